package seed

import (
	"regexp"
	"strings"
)

// level gives all clusters the versions of the first. The reference monorepo has
// promotions under way, as any real one; a demo and a test begin at rest.
func (f Files) level() {
	first := clusters()[0]
	for name, content := range f {
		rest, ok := strings.CutPrefix(name, root+"/clusters/"+first+"/")
		if !ok {
			continue
		}
		for _, cluster := range clusters()[1:] {
			other := root + "/clusters/" + cluster + "/" + rest
			if f[other] != nil {
				f[other] = []byte(levelled(string(f[other]), string(content)))
			}
		}
	}
}

// levelled is a text with the versions of another that has the same lines with
// versions; else the text as it is.
func levelled(text, like string) string {
	version := regexp.MustCompile(`(?m)^(\s+(?:- )?(?:version|tag|newTag|digest|image|[a-z_]+_tag): )(\S+)`)
	wanted := version.FindAllStringSubmatch(like, -1)
	if len(wanted) != len(version.FindAllString(text, -1)) {
		return text
	}
	i := -1
	return version.ReplaceAllStringFunc(text, func(line string) string {
		i++
		return version.FindStringSubmatch(line)[1] + wanted[i][2]
	})
}
