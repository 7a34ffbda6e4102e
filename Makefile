# Each target is one command that can be run by hand as well. Nothing here is
# needed to build or to try Sluice: go run and go test suffice.

GO ?= go
FUZZTIME ?= 1m
SEEDS ?= 3000

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  %-10s %s\n", $$1, $$2 }'

.PHONY: build
build: ## build the three programs into bin/
	$(GO) build -trimpath -o bin/ ./cmd/...

.PHONY: demo
demo: ## show a version on its way from dev to prd
	$(GO) run ./cmd/sluice demo

.PHONY: test
test: ## run all tests, as the README says
	$(GO) test ./...

.PHONY: race
race: ## run all tests with the race detector, in random order
	$(GO) test -race -shuffle=on ./...

.PHONY: check
check: ## check format, vet, staticcheck and go.mod
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff

.PHONY: docs
docs: ## write the generated pages below docs/ anew
	$(GO) test ./cmd/internal/settings -run TestDocumentationIsUpToDate -update
	$(GO) test ./internal/core/chatops -run TestDocumentationIsUpToDate -update
	$(GO) test ./cmd/sluice/internal/linting -run TestDocumentationIsUpToDate -update

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (default 1m) each
	@set -e; grep -rHoE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' . | sort | \
	while IFS=: read -r file func; do \
		target=$${func#func }; dir=$$(dirname "$$file"); \
		echo "== $$dir $$target"; \
		$(GO) test "$$dir" -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME); \
	done

.PHONY: properties
properties: ## compare SEEDS random monorepos (default 3000) with what kustomize renders
	$(GO) test ./internal/core/overlay -run 'OfRandomOverlays$$' -count=1 -timeout 3h -v -seeds $(SEEDS)

.PHONY: bench-plan
bench-plan: ## measure what a plan costs, and print the table of docs/performance.md
	$(GO) test ./internal/bench -run "^TestPlan$$" -count=1 -timeout 60m -v -full

.PHONY: bench-past
bench-past: ## measure what it costs to look back in a long history
	$(GO) test ./internal/bench -run "^TestPast$$" -count=1 -timeout 60m -v -full

.PHONY: vuln
vuln: ## look for known vulnerabilities; needs the network
	$(GO) run golang.org/x/vuln/cmd/govulncheck@latest ./...

.PHONY: bench-flux
bench-flux: ## measure ten thousand reports a minute from 200 clusters, and how fast the gates follow
	$(GO) test ./cmd/sluice/internal/world -run "^TestManyReports$$" -count=1 -timeout 20m -v -full

.PHONY: e2e-flux
e2e-flux: ## run Sluice against the real Flux and API servers, built from their modules: up to 25 minutes the first time, 3 after that
	cd test/e2e-flux && $(GO) test -count=1 -timeout 40m -v ./...

.PHONY: bench-lint
bench-lint: ## measure a lint of 8,000 files against building each overlay once
	$(GO) test ./internal/bench -run "^TestLint$$" -count=1 -timeout 20m -v -full

.PHONY: schemas
schemas: ## make the schemas of internal/core/schema anew from the modules that test/schemas names
	cd test/schemas && $(GO) run . ../../internal/core/schema/bundle.zip

.PHONY: agreement
agreement: ## hold the schemas against the API server's own library and types, on objects changed at random
	cd test/schemas/agreement && $(GO) test -count=1 ./...
