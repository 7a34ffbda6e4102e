package events

// The limits of what travels. Whoever encodes cuts texts down to them, and
// whoever decodes refuses what is above them, so that one foreign document
// can neither fill a stream nor a reader's memory.
const (
	// MaxBody bounds an encoded body. It holds a report with every text at its
	// limit and every byte of it escaped to six, so cutting the texts is
	// enough; an ordinary body has a few hundred bytes.
	MaxBody = 384 << 10
	// MaxMessage bounds the text of a report. Flux allows 39,000 bytes, most
	// of them lists of applied objects; the beginning is what people read.
	MaxMessage = 8 << 10
	// MaxText bounds every other single text: refs, paths, names, revisions.
	MaxText = 1 << 10
	// MaxInstance bounds a GitLab's base URL, which becomes a subject token
	// and may grow threefold there; NATS allows 4 KiB per protocol line.
	MaxInstance = 255
	// MaxID bounds a message id. NATS keeps every id of the duplicate window
	// in memory.
	MaxID = 128
	// MaxPaths bounds the list of files in a trigger; longer ones are left out.
	MaxPaths = 1000
	// maxPathBytes bounds the list in bytes, counting maxEscape for what JSON adds
	// to each: even where every byte is escaped to six, it fits a body.
	maxPathBytes = 48 << 10
	maxEscape    = 8
	// MaxMetadata bounds how many metadata entries of a report survive.
	MaxMetadata = 32
)
