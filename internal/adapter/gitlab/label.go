package gitlab

import (
	"context"
	"net/http"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// What Label looks like where Sluice makes it. People may change both.
const (
	labelColour = "#1f75cb"
	labelAbout  = "Promotions by Sluice. It is set by Sluice and needed to find them again."
)

// LabelState says whether Label exists, in the project or in one of its groups.
type LabelState struct {
	Exists bool
	Plain  bool // the project's own, without any description: GitLab made it when a merge request named it
}

// LabelState reads the label.
func (p *Project) LabelState(ctx context.Context) (LabelState, error) {
	got, _, err := call[struct {
		Description string `json:"description"`
		Own         bool   `json:"is_project_label"`
	}](ctx, p.client, p.get("read label "+Label, "labels/"+Label, nil))
	if status(err) == http.StatusNotFound {
		return LabelState{}, nil
	}
	return LabelState{Exists: err == nil, Plain: got.Own && got.Description == ""}, err
}

// DescribeLabel gives the label the colour and the words that EnsureLabel
// makes it with.
func (p *Project) DescribeLabel(ctx context.Context) error {
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPut, "describe label "+Label, "labels/"+Label,
		map[string]string{"color": labelColour, "description": labelAbout}))
	return err
}

// EnsureLabel creates Label in the project unless the project or one of its
// groups has it.
func (p *Project) EnsureLabel(ctx context.Context) error {
	got, err := p.LabelState(ctx)
	if err != nil || got.Exists {
		return err
	}
	_, _, err = call[struct{}](ctx, p.client, p.request(http.MethodPost, "create label "+Label, "labels", gl.CreateLabelOptions{
		Name: gl.Ptr(Label), Color: gl.Ptr(labelColour), Description: gl.Ptr(labelAbout),
	}))
	if status(err) == http.StatusConflict { // somebody else was quicker
		return nil
	}
	return err
}
