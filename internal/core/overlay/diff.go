package overlay

// change is what two trees hold at one path; the zero Entry stands for nothing.
type change struct{ was, is Entry }

// diff names every path, of files and directories alike, at which two trees
// hold something else. It opens only directories that differ, so it costs what
// has changed. What it returns is never nil unless there is an error.
func diff(was, is Tree) (map[string]change, error) {
	d := &differ{was: was, is: is, changed: map[string]change{}}
	if err := d.directory("", true, true); err != nil {
		return nil, err
	}
	return d.changed, nil
}

type differ struct {
	was, is Tree
	changed map[string]change
}

// directory compares a directory that one tree, or both, have.
func (d *differ) directory(dir string, before, after bool) error {
	var old, now []Entry
	var err error
	if before {
		if old, err = d.was.List(dir); err != nil {
			return err
		}
	}
	if after {
		if now, err = d.is.List(dir); err != nil {
			return err
		}
	}
	old, now = trim(old, now)
	names := make(map[string]change, len(now))
	for _, e := range old {
		names[e.Name] = change{was: e}
	}
	for _, e := range now {
		names[e.Name] = change{was: names[e.Name].was, is: e}
	}
	for name, c := range names {
		if c.was == c.is {
			continue
		}
		if err := d.entry(under(dir, name), c); err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) entry(path string, c change) error {
	d.changed[path] = c
	before, after := c.was.isDirectory(), c.is.isDirectory()
	if !before && !after {
		return nil
	}
	return d.directory(path, before, after)
}

func (e Entry) isDirectory() bool { return e.Name != "" && e.Type == Directory }

// trim takes off what two lists begin and end with alike. Most of a large
// directory goes this way.
func trim(a, b []Entry) ([]Entry, []Entry) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b
}

func under(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
