package expression

import (
	"fmt"
	"reflect"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/sluice-gitops/sluice/internal/core"
)

// object is a value of one of this package's types. A field that is not known
// holds the reason as an error.
type object struct {
	name   string
	fields map[string]ref.Val
}

// get reads a field.
func get(of any, field string) (any, error) {
	o, ok := of.(*object)
	if !ok {
		return nil, core.Errorf(core.Invalid, "this has no field %s", field)
	}
	v, ok := o.fields[field]
	if !ok {
		return nil, core.Errorf(core.Invalid, "the field %s is not known", field)
	}
	if err, unknown := v.(*types.Err); unknown {
		return nil, err
	}
	return v, nil
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(to reflect.Type) (any, error) {
	return nil, fmt.Errorf("a %s cannot be made a %s", o.name, to)
}

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(to ref.Type) ref.Val {
	if to == types.TypeType {
		return types.NewObjectType(o.name)
	}
	return types.NewErr("a %s cannot be made a %s", o.name, to.TypeName())
}

// Equal implements ref.Val: all fields are equal, and all are known.
func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	if !ok || p.name != o.name {
		return types.False
	}
	for _, f := range fieldsOf(o.name) {
		a, b := o.fields[f.name], p.fields[f.name]
		_, aUnknown := a.(*types.Err)
		_, bUnknown := b.(*types.Err)
		if aUnknown != bUnknown || !aUnknown && a.Equal(b) != types.True {
			return types.False
		}
	}
	return types.True
}

// Type implements ref.Val.
func (o *object) Type() ref.Type { return types.NewObjectType(o.name) }

// Value implements ref.Val.
func (o *object) Value() any { return o }
