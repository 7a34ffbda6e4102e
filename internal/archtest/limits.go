package archtest

const (
	// maxFuncLines is the hard limit of a function, from its first line to its
	// last; the aim is 40. A longer one does more than one thing.
	maxFuncLines = 80

	// maxFileLines is the hard limit of a file.
	maxFileLines = 600

	// softFileLines is the aim; files above it are counted.
	softFileLines = 400

	// softFuncLines is the aim; functions above it are counted.
	softFuncLines = 40

	// maxMethods bounds an interface. A larger one is a list of what exists,
	// not of what its consumer needs.
	maxMethods = 6

	// minPackageDoc is the least number of characters of a package's comment:
	// too few to say what it is for and what it refuses to do.
	minPackageDoc = 120
)
