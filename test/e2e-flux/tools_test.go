package e2eflux

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// programs are the modules below tools, each with the program that it builds. A
// module of its own each, because their requirements contradict each other.
var programs = []string{"etcd", "kube-apiserver", "source-controller", "kustomize-controller", "notification-controller"}

// bin is where the programs are built to. Go's build cache tells what is up to
// date there.
const bin = "bin"

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func build() error {
	root, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	begun := time.Now()
	for _, name := range programs {
		if err := run(filepath.Join("tools", name), "go", "build", "-o", filepath.Join(root, name), toolOf[name]); err != nil {
			return err
		}
	}
	if err := run("../..", "go", "build", "-o", filepath.Join(root, "sluice"), "./cmd/sluice"); err != nil {
		return err
	}
	fmt.Printf("built %d programs in %s\n", len(programs)+1, time.Since(begun).Round(time.Second))
	return nil
}

// toolOf is the package of each program.
var toolOf = map[string]string{
	"etcd":                    "go.etcd.io/etcd/server/v3",
	"kube-apiserver":          "k8s.io/kubernetes/cmd/kube-apiserver",
	"source-controller":       "github.com/fluxcd/source-controller",
	"kustomize-controller":    "github.com/fluxcd/kustomize-controller",
	"notification-controller": "github.com/fluxcd/notification-controller",
}

func run(dir, name string, args ...string) error {
	_, err := output(dir, name, args...)
	return err
}

func output(dir, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.Env = os.Environ()
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("in %s: %s %s: %w\n%s", dir, name, strings.Join(args, " "), err, problems.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// definitions are the files with the CRDs that come with a program's module.
func definitions(t *testing.T, tool, module string) []string {
	t.Helper()
	if err := run(filepath.Join("tools", tool), "go", "mod", "download", module); err != nil {
		t.Fatal(err)
	}
	dir, err := output(filepath.Join("tools", tool), "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs of %s in %s: %v", module, dir, err)
	}
	return files
}

// version is the version of a program's module.
func version(t *testing.T, tool string) string {
	t.Helper()
	module := strings.TrimSuffix(toolOf[tool], "/cmd/kube-apiserver")
	v, err := output(filepath.Join("tools", tool), "go", "list", "-m", "-f", "{{.Version}}", module)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
