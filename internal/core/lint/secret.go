package lint

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// token is a shape that only secrets have.
type token struct {
	what   string
	marker string // occurs in each, and is quick to look for
	shape  *regexp.Regexp
}

func tokens() []token {
	shape := regexp.MustCompile
	return []token{
		{"a private key", "PRIVATE KEY-----", shape(`-----BEGIN ([A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16,}`)},
		{"a token of GitLab", "gl", shape(`\bgl(pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[A-Za-z0-9_-]{20,}`)},
		{"a token of GitHub", "gh", shape(`\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})`)},
		{"a key of AWS", "AKIA", shape(`\bAKIA[A-Z0-9]{16}\b`)},
		{"a token of Slack", "xox", shape(`\bxox[abprs]-[A-Za-z0-9-]{20,}`)},
		{"a key of an Azure storage account", "AccountKey=", shape(`AccountKey=[A-Za-z0-9+/]{80,}={0,2}`)},
	}
}

// secrets looks for them in all files, whatever they are for, and prints none.
func (l *linter) secrets() {
	known := tokens()
	for _, name := range l.paths {
		if !l.concerns(name) {
			continue
		}
		content := l.read(name).content
		for _, t := range known {
			if bytes.Contains(content, []byte(t.marker)) {
				l.shaped(name, content, t)
			}
		}
		if isYAML(name) && bytes.Contains(content, []byte("Secret")) {
			l.manifests(name)
		}
		if at := bytes.Index(content, []byte("--read-write-key")); at >= 0 && slices.Contains([]string{"", ".sh", ".yaml", ".yml"}, path.Ext(name)) {
			line, column := lineOf(content, at)
			l.report(ruleWrite, name, line, column, "flux bootstrap with --read-write-key gives the cluster a deploy key that may push", "leave the flag out: Flux reads, and Sluice writes by merge request")
		}
	}
}

func (l *linter) shaped(name string, content []byte, t token) {
	for _, at := range t.shape.FindAllIndex(content, -1) {
		line, column := lineOf(content, at[0])
		l.report(ruleSecret, name, line, column, t.what+" stands in Git", withdraw)
	}
}

const withdraw = "withdraw it where it is valid, since Git keeps it for ever, and take a new one from a secret store, sealed, or encrypted with SOPS"

func lineOf(content []byte, at int) (line, column int) {
	before := content[:at]
	return 1 + bytes.Count(before, []byte("\n")), at - bytes.LastIndexByte(before, '\n')
}

// manifests finds Secrets whose values can be read.
func (l *linter) manifests(name string) {
	for _, root := range l.documents(name) {
		switch kind := text(root, "kind"); {
		case kind == "Secret" && strings.HasPrefix(text(root, "apiVersion"), "v1"):
			if _, sealed := root.Get("sops"); !sealed {
				l.plain(name, root)
			}
		case isKustomization(name):
			generators, _ := root.Get("secretGenerator")
			for _, item := range generators.Items() {
				l.literals(name, item)
			}
		}
	}
}

// plain tells once of each Secret that holds something.
func (l *linter) plain(name string, root yamledit.Node) {
	for _, field := range []string{"stringData", "data"} {
		values, _ := root.Get(field)
		for pair := range values.Pairs() {
			if value := pair.Value.Text(); value != "" && !strings.HasPrefix(value, "ENC[") && !strings.HasPrefix(value, "${") {
				l.at(ruleSecret, name, pair.Value, fmt.Sprintf("Secret %s holds the value of %s in plain", text(root, "metadata", "name"), pair.Key), withdraw)
				return
			}
		}
	}
}

func (l *linter) literals(name string, item yamledit.Node) {
	list, _ := item.Get("literals")
	for _, n := range list.Items() {
		if key, value, ok := strings.Cut(n.Text(), "="); ok && value != "" && !strings.HasPrefix(value, "${") {
			l.at(ruleSecret, name, n, fmt.Sprintf("the generated Secret %s holds the value of %s in plain", text(item, "name"), key), withdraw)
			return
		}
	}
}
