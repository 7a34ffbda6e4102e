package lint

import (
	"fmt"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/version"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// object judges one object by itself.
func (l *linter) object(c *cluster, a applied) {
	if a.kind() == "" && a.name() == "" {
		return
	}
	if l.options.Checker != nil {
		if a.is("apiextensions.k8s.io", "CustomResourceDefinition") {
			l.options.Checker.Learn(a.node)
		}
		for _, v := range l.options.Checker.Check(a.node) {
			rule := ruleSchema
			if v.Removed {
				rule = ruleRemoved
			}
			l.tell(rule, a.built, v.Path, v.Reason, v.Fix)
		}
	}
	if a.is("image.toolkit.fluxcd.io", "ImageUpdateAutomation") {
		l.tell(ruleWrite, a.built, keys("spec", "git"), a.title()+" pushes to the repository, so the cluster's deploy key must be able to write",
			"let a bot with rights of its own, such as Renovate, change dev, and give the cluster a key that reads")
	}
	if c.last {
		l.containers(a)
	}
}

// containers finds images that move in the pods of the last environment.
func (l *linter) containers(a applied) {
	for _, pod := range [][]string{{"spec", "template", "spec"}, {"spec", "jobTemplate", "spec", "template", "spec"}, {"spec"}} {
		for _, list := range []string{"containers", "initContainers"} {
			items, _ := a.node.Get(append(pod, list)...)
			for i, item := range items.Items() {
				at := append(keys(append(pod, list)...), yamledit.Index(i), yamledit.Key("image"))
				l.image(a, at, text(item, "image"))
			}
		}
	}
}

func (l *linter) image(a applied, at yamledit.Path, image string) {
	if image == "" || strings.Contains(image, "@") || strings.Contains(image, "${") {
		return
	}
	repository, tag, ok := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	switch {
	case !ok:
		l.tell(ruleMutable, a.built, at, fmt.Sprintf("%s runs %s without a tag, which means latest", a.title(), repository), "write the version, and its digest")
	case version.Parse(tag).Mutable():
		l.tell(ruleMutable, a.built, at, fmt.Sprintf("%s runs %s with the tag %s, which moves", a.title(), repository, tag), "write a version, and its digest")
	}
}
