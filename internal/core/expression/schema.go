package expression

import (
	"math"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/decls"
	"github.com/google/cel-go/common/env"
	"github.com/google/cel-go/common/types"
)

// The types of what the variables hold.
const (
	versionType = "sluice.Version"
	changeType  = "sluice.Change"
	mrType      = "sluice.MergeRequest"
)

// property is a variable, or a field of a type.
type property struct {
	name string
	kind *types.Type
}

// variables are what expressions can name. docs/policy.md tells what each means.
func variables() []property {
	text, texts := types.StringType, types.NewListType(types.StringType)
	change := types.NewObjectType(changeType)
	return []property{
		{"app", text}, {"env", text}, {"from", texts}, {"clusters", texts},
		{"change", change}, {"version", types.NewObjectType(versionType)}, {"changes", types.NewListType(change)},
		{"mr", types.NewObjectType(mrType)}, {"soaked", types.DurationType}, {"now", types.TimestampType},
	}
}

// fieldsOf are the fields of a type, in the order of the documentation; nil for
// a type that is not ours.
func fieldsOf(name string) []property {
	text, number := types.StringType, types.IntType
	switch name {
	case versionType:
		return []property{{"text", text}, {"scheme", text}, {"major", number}, {"minor", number}, {"patch", number}, {"prerelease", text}, {"build", text}, {"digest", text}}
	case changeType:
		version := types.NewObjectType(versionType)
		return []property{{"cluster", text}, {"kind", text}, {"name", text}, {"old", version}, {"new", version}}
	case mrType:
		return []property{{"number", number}, {"title", text}, {"author", text}, {"draft", types.BoolType}, {"labels", types.NewListType(text)}}
	}
	return nil
}

func names(list []property) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.name)
	}
	return out
}

// Checker reads expressions. Making one costs some milliseconds, so that it
// serves for all expressions of a policy. It keeps nothing of what it read.
type Checker struct {
	env *cel.Env
}

// NewChecker makes a checker. An error is of kind core.Internal.
func NewChecker() (*Checker, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, internal(err)
	}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(registry), cel.CustomTypeProvider(provider{registry}),
		cel.StdLib(cel.StdLibSubset(env.NewLibrarySubset().AddExcludedFunctions(zoned()...))),
		cel.ParserExpressionSizeLimit(maxCode), cel.ParserRecursionLimit(maxRecursion),
	}
	for _, v := range variables() {
		options = append(options, cel.VariableDecls(decls.NewVariable(v.name, v.kind)))
	}
	e, err := cel.NewCustomEnv(options...)
	if err != nil {
		return nil, internal(err)
	}
	return &Checker{e}, nil
}

// zoned are the functions on times that take a time zone: they would read it
// from a file, and the same expression could mean two things on two machines.
// The gate "windows" knows zones.
func zoned() []*env.Function {
	with := func(name, overload string) *env.Function {
		return env.NewFunction(name, &env.Overload{ID: overload})
	}
	return []*env.Function{
		with("getFullYear", "timestamp_to_year_with_tz"), with("getMonth", "timestamp_to_month_with_tz"),
		with("getDayOfYear", "timestamp_to_day_of_year_with_tz"), with("getDayOfMonth", "timestamp_to_day_of_month_with_tz"),
		with("getDate", "timestamp_to_day_of_month_1_based_with_tz"), with("getDayOfWeek", "timestamp_to_day_of_week_with_tz"),
		with("getHours", "timestamp_to_hours_with_tz"), with("getMinutes", "timestamp_to_minutes_with_tz"),
		with("getSeconds", "timestamp_to_seconds_tz"), with("getMilliseconds", "timestamp_to_milliseconds_with_tz"),
	}
}

// provider adds the types of this package to those of CEL.
type provider struct{ *types.Registry }

// FindStructType implements types.Provider.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if fieldsOf(name) == nil {
		return p.Registry.FindStructType(name)
	}
	return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
}

// FindStructFieldNames implements types.Provider.
func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	if fields := fieldsOf(name); fields != nil {
		return names(fields), true
	}
	return p.Registry.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (p provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	fields := fieldsOf(name)
	i := slices.IndexFunc(fields, func(p property) bool { return p.name == field })
	switch {
	case fields == nil:
		return p.Registry.FindStructFieldType(name, field)
	case i < 0:
		return nil, false
	}
	return &types.FieldType{
		Type:    fields[i].kind,
		IsSet:   func(of any) bool { _, err := get(of, field); return err == nil },
		GetFrom: func(of any) (any, error) { return get(of, field) },
	}, true
}

// whole makes a CEL number.
func whole(n uint64) types.Int { return types.Int(min(n, math.MaxInt64)) }
