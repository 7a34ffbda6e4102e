package events

import (
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Subjects to subscribe to. Their version is the major version of the
// messages on them.
const (
	AllHints       = "sluice.v1.hint.>"
	AllReports     = "sluice.v1.report.>"
	AllTriggers    = "sluice.v1.trigger.>"
	AllDeadLetters = "sluice.v1.dead.>"

	prefix        = "sluice.v1."
	hintPrefix    = prefix + "hint."
	reportPrefix  = prefix + "report."
	triggerPrefix = prefix + "trigger."
	deadPrefix    = prefix + "dead."
)

// HintSubject is sluice.v1.hint.<instance>.<project id>.<kind>, with foreign
// parts escaped by Token.
func HintSubject(instance string, project int64, kind Kind) string {
	return hintPrefix + Token(instance) + "." + strconv.FormatInt(project, 10) + "." + Token(string(kind))
}

// ReportSubject is sluice.v1.report.<cluster>, with the cluster escaped by
// Token.
func ReportSubject(cluster core.Cluster) string { return reportPrefix + Token(string(cluster)) }

// TriggerSubject is sluice.v1.trigger.<cluster>, with the cluster escaped by
// Token. There is one message at most on each: the newest.
func TriggerSubject(cluster core.Cluster) string { return triggerPrefix + Token(string(cluster)) }

// DeadSubject is where a message of ours is kept once it was given up:
// sluice.v1.dead.hint.… for one of sluice.v1.hint.…, and so on. Any other subject
// is Invalid, one of a dead letter included.
func DeadSubject(subject string) (string, error) {
	rest, ok := strings.CutPrefix(subject, prefix)
	if !ok || strings.HasPrefix(subject, deadPrefix) {
		return "", core.Errorf(core.Invalid, "subject %q is none of a message that can be given up", cut(subject, MaxText))
	}
	return deadPrefix + rest, nil
}

// ParseHintSubject is the inverse of HintSubject. Anything that HintSubject
// cannot have made is Invalid.
func ParseHintSubject(subject string) (instance string, project int64, kind Kind, err error) {
	rest, ok := strings.CutPrefix(subject, hintPrefix)
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != 3 {
		return "", 0, "", core.Errorf(core.Invalid, "subject %q: want %s<instance>.<project id>.<kind>", cut(subject, MaxText), hintPrefix)
	}
	instance, err = ParseToken(parts[0])
	if err != nil {
		return "", 0, "", err
	}
	project, err = strconv.ParseInt(parts[1], 10, 64)
	if err != nil || strconv.FormatInt(project, 10) != parts[1] {
		return "", 0, "", core.Errorf(core.Invalid, "subject %q: project id %q is not a plain decimal number", cut(subject, MaxText), cut(parts[1], MaxID))
	}
	k, err := ParseToken(parts[2])
	return instance, project, Kind(k), err
}

// ParseReportSubject is the inverse of ReportSubject. Anything that
// ReportSubject cannot have made is Invalid.
func ParseReportSubject(subject string) (core.Cluster, error) {
	rest, ok := strings.CutPrefix(subject, reportPrefix)
	if !ok {
		return "", core.Errorf(core.Invalid, "subject %q: want %s<cluster>", cut(subject, MaxText), reportPrefix)
	}
	cluster, err := ParseToken(rest)
	return core.Cluster(cluster), err
}

// ReportKey is the key of one Flux object in the bucket of reports:
// <cluster>.<kind>.<namespace>.<name>, each escaped by Token. A watch on
// "<cluster>.>" sees one cluster.
func ReportKey(cluster core.Cluster, kind, namespace, name string) string {
	return Token(string(cluster)) + "." + Token(kind) + "." + Token(namespace) + "." + Token(name)
}

// ParseReportKey is the inverse of ReportKey. Anything that ReportKey cannot
// have made is Invalid.
func ParseReportKey(key string) (cluster core.Cluster, kind, namespace, name string, err error) {
	parts := strings.Split(key, ".")
	if len(parts) != 4 {
		return "", "", "", "", core.Errorf(core.Invalid, "key %q: want <cluster>.<kind>.<namespace>.<name>", cut(key, MaxText))
	}
	for i := range parts {
		if parts[i], err = ParseToken(parts[i]); err != nil {
			return "", "", "", "", err
		}
	}
	return core.Cluster(parts[0]), parts[1], parts[2], parts[3], nil
}

// TriggerKey is the key of one cluster in the bucket of triggers.
func TriggerKey(cluster core.Cluster) string { return Token(string(cluster)) }

// ParseTriggerKey is the inverse of TriggerKey.
func ParseTriggerKey(key string) (core.Cluster, error) {
	cluster, err := ParseToken(key)
	return core.Cluster(cluster), err
}
