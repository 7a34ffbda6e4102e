package fakegitlab

import (
	"cmp"
	"strconv"
	"strings"
)

// fileDiff is the change of one file between two commits.
type fileDiff struct {
	oldPath, newPath string
	oldMode, newMode string
	kind             byte // A, M, D, R, T as git says
	text             string
}

func (d fileDiff) render() obj {
	return obj{
		"old_path": d.oldPath, "new_path": d.newPath, "a_mode": d.oldMode, "b_mode": d.newMode, "diff": d.text,
		"new_file": d.kind == 'A', "renamed_file": d.kind == 'R', "deleted_file": d.kind == 'D',
		"generated_file": false, "collapsed": false, "too_large": false,
	}
}

// zero40 is how Git names no object at all.
const zero40 = "0000000000000000000000000000000000000000"

// diff lists the files that differ, with their patches. An empty base is the
// empty tree.
func (r *repo) diff(base, head string) ([]fileDiff, error) {
	raw, err := r.run(nil, "diff", "--raw", "-z", "-M", "--no-abbrev", cmp.Or(base, emptyTree), head)
	if err != nil {
		return nil, err
	}
	diffs := parseRaw(raw)
	if len(diffs) == 0 {
		return diffs, nil
	}
	text, err := r.run(nil, "diff", "-M", "--no-color", "--no-ext-diff", "--src-prefix=a/", "--dst-prefix=b/", cmp.Or(base, emptyTree), head)
	if err != nil {
		return nil, err
	}
	patches := strings.Split("\n"+text, "\ndiff --git ")[1:]
	for i := range min(len(patches), len(diffs)) {
		if at := strings.Index(patches[i], "\n@@ "); at >= 0 {
			diffs[i].text = strings.TrimSuffix(patches[i][at+1:], "\n") + "\n"
		}
	}
	return diffs, nil
}

// parseRaw reads git's --raw -z format: ":mode mode id id K\0path\0[path\0]".
func parseRaw(raw string) []fileDiff {
	var out []fileDiff
	fields := strings.Split(raw, "\x00")
	for i := 0; i+1 < len(fields); i++ {
		meta := strings.Fields(strings.TrimPrefix(fields[i], ":"))
		if len(meta) != 5 {
			continue
		}
		d := fileDiff{oldMode: meta[0], newMode: meta[1], kind: meta[4][0], oldPath: fields[i+1], newPath: fields[i+1]}
		i++
		if d.kind == 'R' && i+1 < len(fields) {
			d.newPath = fields[i+1]
			i++
		}
		out = append(out, d)
	}
	return out
}

// names lists what differs without the patches, in one process.
func (r *repo) names(base, head string) []fileDiff {
	return recall(r, func() []fileDiff {
		raw, err := r.run(nil, "diff", "--raw", "-z", "-M", "--no-abbrev", cmp.Or(base, emptyTree), head)
		if err != nil {
			return nil
		}
		return parseRaw(raw)
	}, "names", base, head)
}

// lines counts added and deleted lines.
func (r *repo) lines(base, head string) (added, deleted int) {
	sum := recall(r, func() [2]int { return r.countLines(base, head) }, "lines", base, head)
	return sum[0], sum[1]
}

// countLines asks git; binary files count as nothing.
func (r *repo) countLines(base, head string) (sum [2]int) {
	out, err := r.run(nil, "diff", "--numstat", cmp.Or(base, emptyTree), head)
	if err != nil {
		return sum
	}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		a, _ := strconv.Atoi(f[0]) // "-" for binary files counts as 0
		d, _ := strconv.Atoi(f[1])
		sum[0], sum[1] = sum[0]+a, sum[1]+d
	}
	return sum
}
