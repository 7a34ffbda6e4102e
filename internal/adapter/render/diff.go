package render

import (
	"slices"
	"strings"
)

// compare shows the objects that differ, in the order of the build, each under
// its name. left is how many lines there would be more.
func compare(before, after []object) (text string, left int) {
	var b strings.Builder
	for _, p := range pairs(before, after) {
		p.mask()
		for _, line := range p.diff() {
			if b.Len() > maxText {
				left++
				continue
			}
			b.WriteString(line[:min(len(line), maxLine)] + "\n")
		}
	}
	return b.String(), left
}

func (p pair) diff() []string {
	before, after := p.before.lines(), p.after.lines()
	if p.before != nil && p.after != nil && slices.Equal(before, after) {
		return nil
	}
	return append([]string{"@@ " + p.header() + " @@"}, hunks(script(before, after))...)
}

// hunks keeps the changed lines of a script and those near them.
func hunks(lines []string) []string {
	var out []string
	last := -1 // the last line that was kept
	for i, line := range lines {
		if !near(lines, i) {
			continue
		}
		if i > last+1 && last >= 0 {
			out = append(out, "@@ … @@")
		}
		out, last = append(out, line), i
	}
	return out
}

func near(lines []string, i int) bool {
	from, to := max(0, i-contextLines), min(len(lines), i+contextLines+1)
	return slices.ContainsFunc(lines[from:to], func(line string) bool { return line[0] != ' ' })
}

// script turns one text into another, line by line: "-", "+" or " " and the line.
func script(before, after []string) []string {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	var out []string
	out = appendAll(out, " ", before[:head])
	out = append(out, middle(before[head:len(before)-tail], after[head:len(after)-tail])...)
	return appendAll(out, " ", before[len(before)-tail:])
}

func appendAll(out []string, mark string, lines []string) []string {
	for _, line := range lines {
		out = append(out, mark+line)
	}
	return out
}

// middle keeps as many lines as can be kept.
func middle(before, after []string) []string {
	if len(before)*len(after) > maxDiffCells {
		return appendAll(appendAll(nil, "-", before), "+", after)
	}
	common := commonLines(before, after)
	var out []string
	i, j := 0, 0
	for i < len(before) && j < len(after) {
		switch {
		case before[i] == after[j]:
			out = append(out, " "+before[i])
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			out = append(out, "-"+before[i])
			i++
		default:
			out = append(out, "+"+after[j])
			j++
		}
	}
	return appendAll(appendAll(out, "-", before[i:]), "+", after[j:])
}

// commonLines tells for each pair of places how many lines can be kept from
// there on.
func commonLines(before, after []string) [][]int32 {
	table := make([][]int32, len(before)+1)
	for i := range table {
		table[i] = make([]int32, len(after)+1)
	}
	for i := len(before) - 1; i >= 0; i-- {
		for j := len(after) - 1; j >= 0; j-- {
			if before[i] == after[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}
