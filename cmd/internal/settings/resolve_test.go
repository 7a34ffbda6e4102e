package settings_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/core"
)

func noFiles(path string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

// files is a readFile over a map that a test may change.
func files(m map[string]string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if text, ok := m[path]; ok {
			return []byte(text), nil
		}
		return noFiles(path)
	}
}

func check(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected error: %v", err)
	case want != "" && err == nil:
		t.Errorf("no error, want one with %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("error %q, want it to contain %q", err, want)
	case err != nil && core.KindOf(err) != core.Invalid:
		t.Errorf("error is of kind %s, want invalid", core.KindOf(err))
	}
}

// sample has one setting of each kind.
func sample() settings.Table {
	return settings.Table{Program: "sample", Settings: []settings.Setting{
		{Name: "title", Default: "none"},
		{Name: "work-dir", Kind: settings.Path},
		{Name: "home-page", Kind: settings.URL, Schemes: []string{"https"}},
		{Name: "dry", Kind: settings.Bool, Default: "false"},
		{Name: "workers", Kind: settings.Int, Default: "4"},
		{Name: "pause", Kind: settings.Duration, Default: "1m"},
		{Name: "names", Kind: settings.List},
		{Name: "token", Kind: settings.Secret},
		{Name: "keys", Kind: settings.Secrets},
		{Name: "by-name", Kind: settings.SecretMap},
	}}
}

func resolve(t *testing.T, args, env []string, readFile func(string) ([]byte, error)) (settings.Values, error) {
	t.Helper()
	flags := pflag.NewFlagSet("sample", pflag.ContinueOnError)
	settings.Register(sample(), flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return settings.Resolve(sample(), flags, env, readFile)
}

func TestPrecedence(t *testing.T) {
	mounted := files(map[string]string{"/title": "of file\n"})
	tests := []struct {
		name string
		args []string
		env  []string
		want string
	}{
		{"default", nil, nil, "none"},
		{"file", nil, []string{"SLUICE_TITLE_FILE=/title"}, "of file"},
		{"variable", nil, []string{"SLUICE_TITLE=of env"}, "of env"},
		{"flag over variable", []string{"--title=of flag"}, []string{"SLUICE_TITLE=of env"}, "of flag"},
		{"empty flag over variable", []string{"--title="}, []string{"SLUICE_TITLE=of env"}, ""},
		{"empty variable is not set", nil, []string{"SLUICE_TITLE="}, "none"},
		{"empty variable beside a file", nil, []string{"SLUICE_TITLE=", "SLUICE_TITLE_FILE=/title"}, "of file"},
		{"value with an equals sign", nil, []string{"SLUICE_TITLE=a=b"}, "a=b"},
		{"the last of two variables", nil, []string{"SLUICE_TITLE=a", "SLUICE_TITLE=b"}, "b"},
		{"the last of two variables, empty", nil, []string{"SLUICE_TITLE=a", "SLUICE_TITLE="}, "none"},
		{"the last of two flags", []string{"--title=a", "--title=b"}, nil, "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			values, err := resolve(t, tt.args, tt.env, mounted)
			check(t, err, "")
			if got := values.String("title"); got != tt.want {
				t.Errorf("title is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTypedValues(t *testing.T) {
	values, err := resolve(t,
		[]string{"--dry", "--names=a,b", "--names= c", "--work-dir=./here"},
		[]string{"SLUICE_HOME_PAGE=https://example.com/x", "SLUICE_WORKERS=0", "SLUICE_PAUSE=1h30m"}, noFiles)
	check(t, err, "")
	if !values.Bool("dry") || values.Int("workers") != 0 || values.Duration("pause") != 90*time.Minute || values.Path("work-dir") != "./here" {
		t.Error("a value is not what was given")
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, values.List("names")); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	u := values.URL("home-page")
	u.Host = "changed"
	if got := values.URL("home-page").String(); got != "https://example.com/x" {
		t.Errorf("home-page is %s", got)
	}
	if values.Given("token") || !values.Given("dry") || !values.Given("pause") {
		t.Error("Given is wrong about token, dry or pause")
	}
	if values.String("pause") != "" || values.String("unheard-of") != "" || values.URL("title") != nil {
		t.Error("a getter of another kind gives a value")
	}
}

func TestMistakes(t *testing.T) {
	mounted := files(map[string]string{
		"/title": "t", "/token": "tok", "/empty": "\n", "/word": "many\n", "/keys": ",\n,", "/map": "a=1\n\nhunter2\n",
		"/huge": strings.Repeat("x", 1<<20+1), "/long": strings.Repeat("k\n", 1001),
	})
	tests := []struct {
		name string
		args []string
		env  []string
		want string
	}{
		{"variable and file", nil, []string{"SLUICE_TITLE=t", "SLUICE_TITLE_FILE=/title"}, "title: both SLUICE_TITLE and SLUICE_TITLE_FILE are set"},
		{"flag and file", []string{"--title=t"}, []string{"SLUICE_TITLE_FILE=/title"}, "title: both --title and SLUICE_TITLE_FILE are set"},
		{"secret as variable and file", nil, []string{"SLUICE_TOKEN=tok", "SLUICE_TOKEN_FILE=/token"}, "token: both SLUICE_TOKEN and SLUICE_TOKEN_FILE are set"},
		{"secret as flag and variable", []string{"--token-file=/token"}, []string{"SLUICE_TOKEN=tok"}, "token: both --token-file and SLUICE_TOKEN are set"},
		{"secret as flag and file", []string{"--token-file=/token"}, []string{"SLUICE_TOKEN_FILE=/token"}, "token: both --token-file and SLUICE_TOKEN_FILE are set"},
		{"misspelled", nil, []string{"SLUICE_PUASE=1m"}, "SLUICE_PUASE is no setting of sample: did you mean SLUICE_PAUSE?"},
		{"misspelled file", nil, []string{"SLUICE_TOKNE_FILE=/token"}, "did you mean SLUICE_TOKEN_FILE?"},
		{"unheard of", nil, []string{"SLUICE_FRUIT_OF_THE_DAY=pear"}, "SLUICE_FRUIT_OF_THE_DAY is no setting of sample: remove it"},
		{"file of a path", nil, []string{"SLUICE_WORK_DIR_FILE=/title"}, "SLUICE_WORK_DIR_FILE is no setting"},
		{"missing file", nil, []string{"SLUICE_TITLE_FILE=/nowhere"}, "title: SLUICE_TITLE_FILE: open /nowhere"},
		{"empty file", nil, []string{"SLUICE_TOKEN_FILE=/empty"}, "token: SLUICE_TOKEN_FILE: file /empty is empty"},
		{"huge file", nil, []string{"SLUICE_TOKEN_FILE=/huge"}, "file /huge is larger than 1048576 bytes"},
		{"too many items", nil, []string{"SLUICE_KEYS_FILE=/long"}, "want at most 1000 items, found 1001"},
		{"too many lines", nil, []string{"SLUICE_BY_NAME_FILE=/long"}, "by-name: SLUICE_BY_NAME_FILE"},
		{"bool", nil, []string{"SLUICE_DRY=perhaps"}, `dry: SLUICE_DRY: want true or false, found "perhaps"`},
		{"number from a file", nil, []string{"SLUICE_WORKERS_FILE=/word"}, `workers: SLUICE_WORKERS_FILE: want a whole number from 0 on, found "many"`},
		{"negative number", []string{"--workers=-1"}, nil, `workers: --workers: want a whole number from 0 on, found "-1"`},
		{"duration without unit", []string{"--pause=5"}, nil, `pause: --pause: want a duration above zero, such as 90s, 5m or 24h, found "5"`},
		{"no time at all", nil, []string{"SLUICE_PAUSE=0s"}, `found "0s"`},
		{"URL without host", nil, []string{"SLUICE_HOME_PAGE=example.com"}, `want a URL such as https://host, found "example.com"`},
		{"nothing but separators", nil, []string{"SLUICE_NAMES=, ,"}, "names: SLUICE_NAMES: holds nothing but separators"},
		{"secrets of separators", nil, []string{"SLUICE_KEYS_FILE=/keys"}, "keys: SLUICE_KEYS_FILE: holds nothing but separators"},
		{"line without name", nil, []string{"SLUICE_BY_NAME_FILE=/map"}, "by-name: SLUICE_BY_NAME_FILE: line 3: want name=secret"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := resolve(t, tt.args, tt.env, mounted)
			check(t, err, tt.want)
		})
	}
}

func TestAllMistakesAtOnceInOrder(t *testing.T) {
	_, err := resolve(t, []string{"--pause=5"}, []string{"SLUICE_DRY=perhaps", "SLUICE_ZEBRA=1"}, noFiles)
	check(t, err, "configure sample: ")
	at := -1
	for _, text := range []string{"SLUICE_ZEBRA is no", "dry: ", "pause: "} {
		next := strings.Index(err.Error(), text)
		if next <= at {
			t.Errorf("%q is missing or out of order in:\n%v", text, err)
		}
		at = next
	}
}

func TestNoSecretInAnError(t *testing.T) {
	mounted := files(map[string]string{"/map": "hunter2", "/keys": strings.Repeat("hunter2,", 1001)})
	for _, env := range [][]string{
		{"SLUICE_TOKEN=hunter2", "SLUICE_TOKEN_FILE=/x"},
		{"SLUICE_TOKEM=hunter2"},
		{"SLUICE_BY_NAME=hunter2"},
		{"SLUICE_BY_NAME_FILE=/map"},
		{"SLUICE_KEYS_FILE=/keys"},
		{"SLUICE_HOME_PAGE=https://me:hunter2@example.com"},
		{"SLUICE_HOME_PAGE=https://me:hunter2@example.com:port"},
	} {
		_, err := resolve(t, nil, env, mounted)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error is %v, want one without the secret", env, err)
		}
	}
}

func TestPrintedValuesShowNoSecret(t *testing.T) {
	values, err := resolve(t, nil, []string{"SLUICE_TOKEN=hunter2", "SLUICE_KEYS=hunter2"}, noFiles)
	check(t, err, "")
	if (settings.Values{}).Given("title") {
		t.Error("the zero Values have a title")
	}
	within := struct{ inner settings.Values }{values}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format+format, values, within); strings.Contains(text, "hunter2") {
			t.Errorf("%s shows a secret: %s", format, text)
		}
	}
}

func TestServiceLinks(t *testing.T) {
	service := func(prefix string) []string {
		return []string{
			prefix + "_SERVICE_HOST=10.0.0.7", prefix + "_SERVICE_PORT=80", prefix + "_SERVICE_PORT_HTTP=80", prefix + "_PORT=tcp://10.0.0.7:80",
			prefix + "_PORT_80_TCP=tcp://10.0.0.7:80", prefix + "_PORT_80_TCP_PROTO=tcp", prefix + "_PORT_80_TCP_PORT=80", prefix + "_PORT_80_TCP_ADDR=10.0.0.7",
		}
	}
	tests := []struct {
		name string
		env  []string
		want string
	}{
		{"service sluice", service("SLUICE"), ""},
		{"service sluice-receiver", service("SLUICE_RECEIVER"), ""},
		{"both", append(service("SLUICE"), service("SLUICE_RECEIVER")...), ""},
		{"port without a service", []string{"SLUICE_PORT=8080"}, "SLUICE_PORT is no setting"},
		{"host without port", []string{"SLUICE_SERVICE_HOST=10.0.0.7"}, "SLUICE_SERVICE_HOST is no setting"},
		{"port of another service", append(service("SLUICE"), "SLUICE_WEB_PORT=80"), "SLUICE_WEB_PORT is no setting"},
		{"no such protocol", append(service("SLUICE"), "SLUICE_PORT_80_HTTP=1"), "SLUICE_PORT_80_HTTP is no setting"},
		{"no number", append(service("SLUICE"), "SLUICE_PORT_WEB_TCP=1"), "SLUICE_PORT_WEB_TCP is no setting"},
		{"something behind", append(service("SLUICE"), "SLUICE_PORT_80_TCP_ADDR_X=1"), "SLUICE_PORT_80_TCP_ADDR_X is no setting"},
		{"a typo beside a service", append(service("SLUICE"), "SLUICE_TITEL=x"), "did you mean SLUICE_TITLE?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := resolve(t, nil, tt.env, noFiles)
			check(t, err, tt.want)
		})
	}
}

func TestOneNewlineIsRemovedFromAFile(t *testing.T) {
	for content, want := range map[string]string{"s": "s", "s\n": "s", "s\r\n": "s", "s\n\n": "s\n", " s ": " s ", "a\nb\n": "a\nb"} {
		values, err := resolve(t, []string{"--token-file=/token"}, nil, files(map[string]string{"/token": content}))
		check(t, err, "")
		got, err := values.Secret("token")()
		if err != nil || got.Reveal() != want {
			t.Errorf("content %q: secret is %q, %v, want %q", content, got.Reveal(), err, want)
		}
	}
}

func TestSecretsRotate(t *testing.T) {
	mounted := map[string]string{"/token": "old\n", "/keys": "k1\n", "/map": "dev=d1\n"}
	values, err := resolve(t, []string{"--token-file=/token"}, []string{"SLUICE_KEYS_FILE=/keys", "SLUICE_BY_NAME_FILE=/map"}, files(mounted))
	check(t, err, "")
	token, keys, byName := values.Secret("token"), values.Secrets("keys"), values.SecretMap("by-name")

	mounted["/token"], mounted["/keys"], mounted["/map"] = "new\n", "k1, k2\n\nk3", "dev=d1\nprd = p=1=\ndev=d2\n"
	gotToken, err1 := token()
	gotKeys, err2 := keys()
	gotMap, err3 := byName()
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	if gotToken.Reveal() != "new" {
		t.Errorf("token is %q", gotToken.Reveal())
	}
	if diff := cmp.Diff([]core.Secret{"k1", "k2", "k3"}, gotKeys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]core.Secret{"dev": {"d1", "d2"}, "prd": {"p=1="}}, gotMap); diff != "" {
		t.Errorf("by-name (-want +got):\n%s", diff)
	}

	mounted["/map"] = "nonsense"
	delete(mounted, "/token")
	delete(mounted, "/keys")
	_, err1 = token()
	_, err2 = keys()
	_, err3 = byName()
	for _, err := range []error{err1, err2, err3} {
		if core.KindOf(err) != core.Transient {
			t.Errorf("error %v is of kind %s, want transient", err, core.KindOf(err))
		}
	}
}

func TestSecretWithoutAValueIsEmpty(t *testing.T) {
	values, err := resolve(t, nil, []string{"SLUICE_KEYS=k"}, noFiles)
	check(t, err, "")
	if got, err := values.Secret("token")(); got != "" || err != nil {
		t.Errorf("token is %q, %v", got.Reveal(), err)
	}
	if got, err := values.Secrets("keys")(); len(got) != 1 || err != nil {
		t.Errorf("keys from the environment: %d, %v", len(got), err)
	}
}

func TestReadFileStopsAtTheLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(path, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := settings.ReadFile(path)
	if err != nil || len(data) > 1<<20+1 {
		t.Errorf("read %d bytes, %v", len(data), err)
	}
	if _, err := settings.ReadFile(path + "x"); err == nil {
		t.Error("no error for a missing file")
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("PAUSE", "5m")
	f.Add("BY_NAME", "dev=hunter2\nprd=\n")
	f.Add("HOME_PAGE", "https://u:p@[::1]:x")
	f.Add("PORT_80_TCP", "1")
	f.Fuzz(func(t *testing.T, name, text string) {
		env := []string{fmt.Sprintf("SLUICE_%s=%s", name, text)}
		values, err := settings.Resolve(sample(), nil, env, files(map[string]string{text: text}))
		if err != nil {
			check(t, err, "configure sample: ")
			return
		}
		if values.Duration("pause") <= 0 || values.Int("workers") < 0 {
			t.Errorf("%q gives a value out of range", env)
		}
		for _, item := range values.List("names") {
			if strings.TrimSpace(item) != item || item == "" {
				t.Errorf("%q gives the item %q", env, item)
			}
		}
	})
}
