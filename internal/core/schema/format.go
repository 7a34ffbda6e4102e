package schema

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
)

// isQuantity tells whether Kubernetes reads a text as an amount: a number, with a
// suffix or an exponent.
func isQuantity(text string) bool {
	text = strings.TrimLeft(text, "+-")
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(text)
	}
	digits, suffix := text[:end], text[end:]
	if _, err := strconv.ParseFloat(digits, 64); err != nil {
		return false
	}
	switch suffix {
	case "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei":
		return true
	}
	_, err := strconv.ParseInt(suffix[1:], 10, 64)
	return err == nil && (suffix[0] == 'e' || suffix[0] == 'E')
}

func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}

func isSmall(text string) bool {
	number, err := strconv.ParseFloat(text, 64)
	return err != nil || number >= math.MinInt32 && number <= math.MaxInt32
}

// isTime is as lenient as API servers are, which take a time without its zone.
func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	_, local := time.Parse("2006-01-02T15:04:05", text)
	return err == nil || local == nil
}
