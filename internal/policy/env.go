package policy

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"kiln/internal/facts"
)

// Limits of expressions. A rule that a person writes is far below.
const (
	maxExpression = 4096   // characters
	maxNodes      = 2000   // of the syntax tree, macros expanded
	maxNesting    = 64     // levels
	maxLoops      = 2      // one in the other: two lists of 100,000 entries end at the limit of cost
	maxRegex      = 10_000 // instructions of a compiled regular expression
)

// typeName is what CEL calls a type of facts.
func typeName(s *facts.Struct) string { return "facts." + s.Name }

// schema is what CEL is told of facts. Types come from their Go declarations.
type schema struct {
	types.Provider
	types.Adapter
	top    *facts.Struct
	byName map[string]*facts.Struct
	byType map[reflect.Type]*objectType
}

func newSchema() (*schema, error) {
	base, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("bug: cannot make the registry of types: %w", err)
	}
	s := &schema{Provider: base, Adapter: base, top: facts.Top(), byName: map[string]*facts.Struct{}, byType: map[reflect.Type]*objectType{}}
	for _, t := range facts.Structs() {
		s.byName[typeName(t)] = t
		s.byType[t.Type] = &objectType{facts: t, cel: types.NewObjectType(typeName(t))}
	}
	return s, nil
}

// FindStructType implements types.Provider.
func (s *schema) FindStructType(name string) (*types.Type, bool) {
	if s.byName[name] != nil {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return s.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (s *schema) FindStructFieldNames(name string) ([]string, bool) {
	if t := s.byName[name]; t != nil {
		return t.Names(), true
	}
	return s.Provider.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider: how a field is read is settled here,
// once, when an expression is compiled.
func (s *schema) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	t := s.byName[name]
	if t == nil {
		return s.Provider.FindStructFieldType(name, field)
	}
	f, ok := t.Field(field)
	if !ok {
		return nil, false
	}
	return &types.FieldType{
		Type:  s.celType(f.Type),
		IsSet: func(o any) bool { return !f.Optional || !reflect.ValueOf(o).Elem().Field(f.Index).IsNil() },
		GetFrom: func(o any) (any, error) {
			v := reflect.ValueOf(o).Elem().Field(f.Index)
			if f.Optional && v.IsNil() {
				return nil, &unknownFact{t.Name + "." + f.Name}
			}
			return s.value(v), nil
		},
	}, true
}

// NewValue implements types.Provider: facts are not made by policies.
func (s *schema) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if s.byName[name] != nil {
		return types.NewErr("a policy cannot make a %s", name)
	}
	return s.Provider.NewValue(name, fields)
}

// celType is the type of a Go field in CEL.
func (s *schema) celType(t reflect.Type) *types.Type {
	if o := s.byType[t]; o != nil {
		return o.cel
	}
	if t == reflect.TypeFor[facts.Time]() {
		return types.TimestampType
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.celType(t.Elem())
	case reflect.String:
		return types.StringType
	case reflect.Int64:
		return types.IntType
	case reflect.Bool:
		return types.BoolType
	case reflect.Slice:
		return types.NewListType(s.celType(t.Elem()))
	case reflect.Map:
		return types.NewMapType(types.StringType, s.celType(t.Elem()))
	}
	panic("bug: no CEL type for " + t.String())
}

// value is a Go value of a fact in CEL.
func (s *schema) value(v reflect.Value) ref.Val {
	if o := s.byType[v.Type()]; o != nil {
		return object{o, v.Addr().Interface()}
	}
	switch v.Kind() {
	case reflect.Pointer:
		return s.value(v.Elem())
	case reflect.String:
		return types.String(v.String())
	case reflect.Int64:
		return types.Int(v.Int())
	case reflect.Bool:
		return types.Bool(v.Bool())
	case reflect.Struct:
		return types.Timestamp{Time: v.Interface().(facts.Time).Time}
	case reflect.Map:
		return types.NewStringStringMap(s, v.Interface().(map[string]string))
	}
	if list, ok := v.Interface().([]string); ok {
		return types.NewStringList(s, list)
	}
	list := make([]ref.Val, v.Len())
	for i := range list {
		list[i] = s.value(v.Index(i))
	}
	return types.NewRefValList(s, list)
}

// objectType is a type of facts.
type objectType struct {
	facts *facts.Struct
	cel   *types.Type
}

// object is one package, file, user: its value is a pointer to the Go struct.
type object struct {
	of *objectType
	v  any
}

// ConvertToNative implements ref.Val.
func (o object) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a %s is no %v", o.of.facts.Name, t)
}

// ConvertToType implements ref.Val.
func (o object) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return o.of.cel
	}
	return types.NewErr("a %s is no %s", o.of.facts.Name, t.TypeName())
}

// Equal implements ref.Val.
func (o object) Equal(other ref.Val) ref.Val {
	b, ok := other.(object)
	return types.Bool(ok && o.v == b.v)
}

// Type implements ref.Val.
func (o object) Type() ref.Type { return o.of.cel }

// Value implements ref.Val.
func (o object) Value() any { return o.v }

// unknownFact is the error of a fact that is not there.
type unknownFact struct{ name string }

func (u *unknownFact) Error() string { return "the fact " + u.name + " is not known" }

// language is the part of CEL that policies are written in, over facts.
func (s *schema) language() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.CustomTypeProvider(s), cel.CustomTypeAdapter(s),
		cel.ParserRecursionLimit(maxNesting), cel.ParserExpressionSizeLimit(maxExpression), cel.ExpressionNodeLimit(maxNodes),
		cel.RegexProgramSizeLimit(maxRegex), cel.EagerlyValidateDeclarations(false), cel.DefaultUTCTimeZone(true),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals(), cel.ValidateComprehensionNestingLimit(maxLoops)),
		cel.Variable(nowName, cel.TimestampType),
	}
	for _, f := range s.top.Fields {
		options = append(options, cel.Variable(f.Name, s.celType(f.Type)))
	}
	env, err := cel.NewEnv(append(options, functions()...)...)
	if err != nil {
		return nil, fmt.Errorf("bug: cannot make the language of policies: %w", err)
	}
	return env, nil
}

// nowName is the variable that holds the time of judging.
const nowName = "now"
