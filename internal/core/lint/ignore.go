package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// comment is one that says what to ignore, and why.
type comment struct {
	file   string
	line   int
	whole  bool // the file
	rules  []string
	reason string
	used   bool
}

// Ignore leaves out the findings that a comment in their file says to ignore:
//
//	# sluice:ignore RULE[,RULE] the reason, in words
//	# sluice:ignore-file RULE[,RULE] the reason, in words
//
// on the finding's line or in the comments right above it, and anywhere in the
// file. A comment that gives no reason or names no rule does nothing, and is a
// finding, as is one that ignores nothing. files are those to look for comments
// in; unless all is set, some findings may not have been looked for, and what
// ignores nothing is not told.
func Ignore(found []Finding, files []string, read func(string) []byte, all bool) []Finding {
	var comments []*comment
	var wrong []Finding
	for _, file := range files {
		mine, bad := commentsIn(file, string(read(file)))
		comments, wrong = append(comments, mine...), append(wrong, bad...)
	}
	out := slices.DeleteFunc(slices.Clone(found), func(f Finding) bool {
		i := slices.IndexFunc(comments, func(c *comment) bool { return c.covers(f) })
		if i >= 0 {
			comments[i].used = true
		}
		return i >= 0
	})
	for _, c := range comments {
		if !c.used && all {
			wrong = append(wrong, ignoreFinding(c.file, c.line, "nothing of "+strings.Join(c.rules, ", ")+" is found here any more", "remove the comment"))
		}
	}
	return tidy(append(out, wrong...))
}

func (c *comment) covers(f Finding) bool {
	return f.File == c.file && slices.Contains(c.rules, f.Rule) && (c.whole || f.Line == c.line)
}

func ignoreFinding(file string, line int, reason, fix string) Finding {
	return Finding{File: file, Line: line, Rule: ruleIgnore, Severity: severityOf(ruleIgnore), Reason: reason, Fix: fix}
}

func commentsIn(file, content string) ([]*comment, []Finding) {
	if !strings.Contains(content, "sluice:ignore") {
		return nil, nil
	}
	shape := regexp.MustCompile(`#\s*sluice:ignore(-file)?(?:\s+(\S+))?(?:\s+(.*\S))?\s*$`)
	var out []*comment
	var wrong []Finding
	lines := strings.Split(content, "\n")
	for i, line := range lines {
		m := shape.FindStringSubmatch(strings.TrimRight(line, "\r"))
		if m == nil {
			continue
		}
		c := &comment{file: file, line: i + 1, whole: m[1] != "", rules: strings.Split(m[2], ","), reason: m[3]}
		if bad := c.wrong(); bad != "" {
			wrong = append(wrong, ignoreFinding(file, i+1, bad, "write # sluice:ignore RULE and the reason, in words"))
			continue
		}
		for strings.HasPrefix(strings.TrimSpace(lines[min(c.line-1, len(lines)-1)]), "#") && c.line < len(lines) {
			c.line++ // a comment stands for the next line that is none
		}
		out = append(out, c)
	}
	return out, wrong
}

// wrong says why a comment cannot be followed; "" if it can.
func (c *comment) wrong() string {
	for _, id := range c.rules {
		known := slices.ContainsFunc(Rules(), func(r Rule) bool { return r.ID == id }) || strings.HasPrefix(id, fluxRulePrefix)
		if !known {
			return fmt.Sprintf("the comment names %q, which is no rule, and is not followed", id)
		}
	}
	if c.reason == "" {
		return "the comment gives no reason, and is not followed"
	}
	return ""
}
