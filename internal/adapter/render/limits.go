package render

import "time"

const (
	// maxReads bounds the files that one build may ask for. Bases that include
	// bases several times multiply; a real overlay asks for less than a hundred.
	maxReads = 2000
	// maxBytes bounds what one build reads, in bytes.
	maxBytes = 16 << 20
	// maxObjects bounds the objects that one build may give. The largest
	// components, with all their definitions, have some two hundred.
	maxObjects = 2000
	// maxExpanded bounds the nodes that a file has once its aliases are written
	// out, which kustomize does: a few lines can make billions.
	maxExpanded = 200_000
	// maxDiffCells bounds the table that compares two objects line by line. Above
	// it, one is shown as removed and the other as added.
	maxDiffCells = 4_000_000
	// maxText bounds the differences of one overlay, in bytes. Nobody reads more,
	// and the description of a merge request shows a part of it.
	maxText = 64 << 10
	// maxLine bounds a line of a difference, in bytes.
	maxLine = 1000
	// maxDepth bounds how deep a manifest is nested.
	maxDepth = 200
	// buildTimeout bounds one build. It is checked whenever a file is asked for.
	buildTimeout = 10 * time.Second
	// wholeScale is how many times the bounds of an overlay a whole directory of
	// them may need, for somebody who waits in front of it.
	wholeScale = 30
	// contextLines is how many unchanged lines surround a change.
	contextLines = 3
)
