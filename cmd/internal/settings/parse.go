package settings

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// entry is a setting's value, in the one field that its kind uses beside text.
type entry struct {
	kind     Kind
	text     string // as given; for a secret from a file, as it was at the start
	path     string // the file the text was read from, to read it again; else empty
	flag     bool
	number   int
	duration time.Duration
	url      *url.URL
}

// given says whether there is a value for rules to speak of.
func (e entry) given() bool { return e.text != "" && (e.kind != Bool || e.flag) }

// parse checks a text. An empty one is no value, and fine for the kinds that
// may have none.
func parse(s Setting, from source) (entry, error) {
	e := entry{kind: s.Kind, text: from.text}
	if err := e.parse(s); err != nil {
		return entry{}, fmt.Errorf("%s: %s: %w", s.Name, from.label, err)
	}
	return e, nil
}

// parse reads e.text as the setting's kind. String without choices, Path and
// Secret take any text.
func (e *entry) parse(s Setting) error {
	switch s.Kind {
	case Bool:
		return e.parseBool()
	case Int:
		return e.parseInt()
	case Duration:
		return e.parseDuration()
	case URL:
		return e.parseURL(s.Schemes)
	case List, Secrets:
		items, err := split(e.text)
		return atLeastOne(e.text, len(items), err)
	case SecretMap:
		lines, err := splitMap(e.text)
		return atLeastOne(e.text, len(lines), err)
	case String:
		return choose(s.Choices, e.text)
	default:
		return nil
	}
}

// parseBool also takes 1, t, T, TRUE and their opposites, which people are used
// to; "yes" and "on" mean different things in different tools.
func (e *entry) parseBool() (err error) {
	if e.flag, err = strconv.ParseBool(e.text); err != nil {
		return fmt.Errorf("want true or false, found %q", e.text)
	}
	return nil
}

// parseInt allows zero: what it means is for the setting to say.
func (e *entry) parseInt() (err error) {
	if e.number, err = strconv.Atoi(e.text); err != nil || e.number < 0 {
		return fmt.Errorf("want a whole number from 0 on, found %q", e.text)
	}
	return nil
}

// parseDuration refuses zero: no setting of ours is a time that may be none, and
// an interval of zero is a busy loop.
func (e *entry) parseDuration() (err error) {
	if e.duration, err = time.ParseDuration(e.text); err != nil || e.duration <= 0 {
		return fmt.Errorf("want a duration above zero, such as 90s, 5m or 24h, found %q", e.text)
	}
	return nil
}

// parseURL refuses user and password in it: URLs go to logs. For the same
// reason a text that may contain them is not shown.
func (e *entry) parseURL(schemes []string) error {
	if e.text == "" {
		return nil
	}
	if strings.Contains(e.text, "@") {
		return errors.New("must not carry a user or a password: there are settings of their own for credentials")
	}
	u, err := url.Parse(e.text)
	if err != nil || u.Host == "" {
		return fmt.Errorf("want a URL such as %s://host, found %q", schemes[0], e.text)
	}
	if !slices.Contains(schemes, u.Scheme) {
		return fmt.Errorf("want a URL that starts with %s, found %q", strings.Join(schemes, ":// or ")+"://", e.text)
	}
	e.url = u
	return nil
}

// atLeastOne refuses a text of nothing but separators, which would pass for a
// value and hold none.
func atLeastOne(text string, n int, err error) error {
	if err == nil && n == 0 && text != "" {
		return errors.New("holds nothing but separators")
	}
	return err
}

// choose is exact: a level in other letters is a mistake worth showing.
func choose(choices []string, text string) error {
	if len(choices) == 0 || slices.Contains(choices, text) {
		return nil
	}
	return fmt.Errorf("want one of %s, found %q", strings.Join(choices, ", "), text)
}

// split cuts at commas and newlines. What is blank is no item.
func split(text string) ([]string, error) {
	var items []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		if item := strings.TrimSpace(part); item != "" {
			items = append(items, item)
		}
	}
	if len(items) > maxItems {
		return nil, fmt.Errorf("want at most %d items, found %d", maxItems, len(items))
	}
	return items, nil
}

// splitMap cuts lines of name=secret at the first equals sign: a secret may
// contain more of them. Its errors name lines, never their content.
func splitMap(text string) (map[string][]string, error) {
	all := map[string][]string{}
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if i >= maxItems {
			return nil, fmt.Errorf("want at most %d lines", maxItems)
		}
		name, secret, ok := strings.Cut(line, "=")
		name, secret = strings.TrimSpace(name), strings.TrimSpace(secret)
		if !ok || name == "" || secret == "" {
			return nil, fmt.Errorf("line %d: want name=secret", i+1)
		}
		all[name] = append(all[name], secret)
	}
	return all, nil
}
