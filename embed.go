// Package sluice carries the reference monorepo: a Flux configuration of three
// clusters and the policy that moves versions between them. The demo starts
// from it, and tests of other packages read it.
//
// The package holds files and nothing else. What Sluice does is in the
// packages below cmd, services and internal.
package sluice

import (
	"embed"
	"io/fs"
)

//go:embed all:flux-config sluice.yaml
var monorepo embed.FS

// Monorepo returns the reference monorepo as it lies in a repository's root:
// sluice.yaml beside flux-config. It is read-only and safe for concurrent use.
func Monorepo() fs.FS { return monorepo }
