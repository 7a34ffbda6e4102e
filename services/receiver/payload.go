package receiver

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// payload holds the few fields of GitLab's documents that say where to look.
// The documents are large, differ between versions and hold values of
// surprising types, so nothing else is read and a field of an unexpected type
// is taken as absent.
type payload struct {
	ObjectKind   string     `json:"object_kind"`
	EventName    string     `json:"event_name"`
	ProjectID    number     `json:"project_id"`
	Project      project    `json:"project"`
	Ref          string     `json:"ref"`
	After        string     `json:"after"`
	CheckoutSHA  string     `json:"checkout_sha"`
	Attributes   attributes `json:"object_attributes"`
	MergeRequest attributes `json:"merge_request"`
	Note         attributes `json:"note"`
}

type project struct {
	ID     number `json:"id"`
	Path   string `json:"path_with_namespace"`
	WebURL string `json:"web_url"`
}

// attributes are the fields of whatever object a document is about.
type attributes struct {
	ID              number `json:"id"`
	IID             number `json:"iid"`
	Ref             string `json:"ref"`
	SHA             string `json:"sha"`
	SourceBranch    string `json:"source_branch"`
	TargetProjectID number `json:"target_project_id"`
	NoteableType    string `json:"noteable_type"`
	AwardableType   string `json:"awardable_type"`
	AwardableID     number `json:"awardable_id"`
	LastCommit      struct {
		ID string `json:"id"`
	} `json:"last_commit"`
}

// decode reports false for what is not a JSON object.
func decode(body []byte) (payload, bool) {
	var p payload
	err := json.Unmarshal(body, &p)
	var wrongType *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &wrongType) {
		return payload{}, false
	}
	return p, bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}

// number is an id. It is taken from a number or from a text of digits; what is
// neither, or not positive, is 0.
type number int64

// UnmarshalJSON never fails: an id that cannot be read is no id.
func (n *number) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseInt(string(bytes.Trim(raw, `"`)), 10, 64)
	if err != nil {
		v = 0
	}
	*n = number(max(v, 0))
	return nil
}
