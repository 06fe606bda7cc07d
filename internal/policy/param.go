package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"kiln/internal/recipe"
)

// Param is a value that whoever uses the policy may set.
type Param struct {
	Name    string        `json:"name"`
	Type    string        `json:"type"` // one of ParamTypes
	Summary string        `json:"summary,omitempty"`
	Default recipe.Values `json:"default,omitempty"` // nil: it must be set
}

func (p *Param) celType() *cel.Type {
	switch p.Type {
	case "texts":
		return cel.ListType(cel.StringType)
	case "number", "size":
		return cel.IntType
	case "time-span":
		return cel.DurationType
	case "switch":
		return cel.BoolType
	}
	return cel.StringType
}

// value reads a value of the parameter's type.
func (p *Param) value(v recipe.Values) (ref.Val, error) {
	if p.Type == "texts" {
		return types.NewStringList(types.DefaultTypeAdapter, v), nil
	}
	if len(v) != 1 {
		return nil, fmt.Errorf("want one value, got a list of %d", len(v))
	}
	switch p.Type {
	case "number":
		n, err := strconv.ParseInt(v[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("want a number, got %q", shorten(v[0]))
		}
		return types.Int(n), nil
	case "size":
		return sizeValue(v[0])
	case "time-span":
		return spanValue(v[0])
	case "switch":
		if v[0] != "true" && v[0] != "false" {
			return nil, fmt.Errorf("want true or false, got %q", shorten(v[0]))
		}
		return types.Bool(v[0] == "true"), nil
	}
	return types.String(v[0]), nil
}

// sizeUnits are what a size may end in, the longer first.
var sizeUnits = []struct {
	name string
	n    float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

func sizeValue(s string) (ref.Val, error) {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || n < 0 || n*u.n > 1<<60 || n != n {
			break
		}
		return types.Int(int64(n * u.n)), nil
	}
	return nil, fmt.Errorf("want a size, such as 80MB or 1.5GiB, got %q", shorten(s))
}

func spanValue(s string) (ref.Val, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 32); err == nil && n <= maxDays {
			return types.Duration{Duration: time.Duration(n) * day}, nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return types.Duration{Duration: d}, nil
	}
	return nil, fmt.Errorf("want a span of time, such as 30d or 12h, got %q", shorten(s))
}

// BadParam is a value that a policy cannot take.
type BadParam struct {
	Name       string // as it was given, or of the one that is missing
	Missing    bool
	Text, Note string
	Suggestion string
}

// bind works out the values of all parameters; of what cannot be, it tells all.
func (p *Policy) bind(given map[string]recipe.Values) (map[string]ref.Val, []BadParam) {
	values := map[string]ref.Val{}
	var bad []BadParam
	var names []string
	for i := range p.Params {
		param := &p.Params[i]
		names = append(names, param.Name)
		v, ok := given[param.Name]
		if !ok {
			v = param.Default
		}
		if !ok && param.Default == nil {
			bad = append(bad, BadParam{Name: param.Name, Missing: true, Text: fmt.Sprintf("the policy %q wants a value for %q (%s)", p.Name, param.Name, param.Type), Note: param.Summary})
			continue
		}
		val, err := param.value(v)
		if err != nil {
			bad = append(bad, BadParam{Name: param.Name, Text: err.Error(), Note: param.Summary})
			continue
		}
		values["params."+param.Name] = val
	}
	for _, name := range sortedKeys(given) {
		if _, ok := values["params."+name]; ok || contains(bad, name) {
			continue
		}
		b := BadParam{Name: name, Text: fmt.Sprintf("the policy %q has no parameter %q", p.Name, name), Suggestion: recipe.Nearest(name, names)}
		if b.Suggestion == "" && names != nil {
			b.Note = "known: " + strings.Join(names, ", ")
		}
		bad = append(bad, b)
	}
	return values, bad
}

// CheckParams tells which of the values the policy cannot take.
func (p *Policy) CheckParams(given map[string]recipe.Values) []BadParam {
	_, bad := p.bind(given)
	return bad
}

func contains(bad []BadParam, name string) bool {
	for _, b := range bad {
		if b.Name == name {
			return true
		}
	}
	return false
}
