package expression

const (
	// maxCode bounds an expression, in characters: what is longer than that is a
	// program, and nobody will understand its refusal.
	maxCode = 1000
	// maxRecursion bounds the nesting, so that reading one cannot exhaust the stack.
	maxRecursion = 40
	// maxCost bounds an evaluation, in the units of CEL: some milliseconds, which
	// is far more than a condition on a handful of changes needs.
	maxCost = 100_000
	// maxChecked bounds for how many changes one expression is evaluated in one go.
	// A promotion that changes more than that is past any judgement.
	maxChecked = 1000
	// maxMessage bounds what is repeated of CEL's own words, in characters.
	maxMessage = 200
)
