package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// enums adds to the definitions of Kubernetes which texts a field takes. The API
// server's OpenAPI in JSON leaves that out; the Go code that it is made from, which
// is generated and thus regular, has it.
func enums(file string, entries map[string]any) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("read the enums of Kubernetes: %w", err)
	}
	added := 0
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		definition, ok := entries["d/"+definitionOf(f.Name.Name)].(map[string]any)
		if !ok {
			continue
		}
		for name, field := range fields(f.Body) {
			added += enumerate(definition, name, field)
		}
	}
	if added < 50 {
		return fmt.Errorf("found %d enums in %s: its form has changed", added, file)
	}
	return nil
}

// definitionOf turns schema_k8sio_api_apps_v1_Deployment into
// io.k8s.api.apps.v1.Deployment; "" for what the API does not name.
func definitionOf(function string) string {
	rest, ok := strings.CutPrefix(function, "schema_k8sio_api_")
	if !ok {
		return ""
	}
	return "io.k8s.api." + strings.ReplaceAll(rest, "_", ".")
}

// fields are the literals of a definition's properties.
func fields(body *ast.BlockStmt) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	ast.Inspect(body, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok || nameOf(pair.Key) != "Properties" {
			return true
		}
		if list, ok := pair.Value.(*ast.CompositeLit); ok {
			for _, e := range list.Elts {
				if field, ok := e.(*ast.KeyValueExpr); ok {
					out[textOf(field.Key)] = field.Value
				}
			}
		}
		return false
	})
	return out
}

// enumerate puts the texts that a field's literal lists into its schema, or into
// that of its items. Empty is as good as absent to Kubernetes.
func enumerate(definition map[string]any, name string, literal ast.Expr) int {
	properties, _ := definition["p"].(map[string]any)
	of, _ := properties[name].(map[string]any)
	if items, ok := of["i"].(map[string]any); ok {
		of = items
	}
	texts := []string{""}
	ast.Inspect(literal, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if ok && nameOf(pair.Key) == "Enum" {
			for _, e := range pair.Value.(*ast.CompositeLit).Elts {
				if text := textOf(e); text != "" {
					texts = append(texts, text)
				}
			}
		}
		return true
	})
	if of == nil || of["t"] != "string" || len(texts) == 1 {
		return 0
	}
	of["e"] = texts
	return 1
}

func nameOf(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

func textOf(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok {
		if text, err := strconv.Unquote(lit.Value); err == nil {
			return text
		}
	}
	return ""
}
