package policy

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"kiln/internal/deb"
)

// Function is a function that policies have beside CEL's own.
type Function struct {
	Form    string // as it is called: "file.path.glob(PATTERN)"
	Summary string

	name     string
	overload string
	args     []*cel.Type // of a member, the first is what it is of
	member   bool
	result   *cel.Type
	call     func(g *globs, args []ref.Val) ref.Val
}

// Functions lists them.
func Functions() []Function {
	text, texts := cel.StringType, cel.ListType(cel.StringType)
	return []Function{
		{"TEXT.glob(PATTERN)", "whether a path matches a pattern as recipes have it: * and ? within one folder, ** over folders, [..], {a,b}", "glob", "kiln_glob", []*cel.Type{text, text}, true, cel.BoolType, globCall},
		{"MODE.within(MODE)", `whether a mode such as file.mode allows nothing that the other does not: "0600".within("0640")`, "within", "kiln_within", []*cel.Type{text, text}, true, cel.BoolType, withinCall},
		{"VERSION.at_least(VERSION)", `whether a version is the other or newer, in Debian's order: pkg.version.at_least("3.0.15-1")`, "at_least", "kiln_at_least", []*cel.Type{text, text}, true, cel.BoolType, atLeastCall},
		{"TEXTS.join(TEXT)", "the texts of a list as one, with the other between them", "join", "kiln_join", []*cel.Type{texts, text}, true, text, joinCall},
		{"TEXT.lower()", "the text in small letters", "lower", "kiln_lower", []*cel.Type{text}, true, text, lowerCall},
		{"NUMBER.as_size()", "a number of bytes for people: 12.3 MB", "as_size", "kiln_as_size", []*cel.Type{cel.IntType}, true, text, asSizeCall},
		{"days(NUMBER)", "so many days as a duration: now - image.created < days(30)", "days", "kiln_days", []*cel.Type{cel.IntType}, false, cel.DurationType, daysCall},
	}
}

func functions() []cel.EnvOption {
	patterns := &globs{}
	var all []cel.EnvOption
	for _, f := range Functions() {
		declare := cel.Overload
		if f.member {
			declare = cel.MemberOverload
		}
		all = append(all, cel.Function(f.name, declare(f.overload, f.args, f.result, cel.FunctionBinding(func(args ...ref.Val) ref.Val { return f.call(patterns, args) }))))
	}
	return all
}

// costs says what the functions cost: as much as the texts are long.
func costs() []cost.TrackerOption {
	var all []cost.TrackerOption
	for _, f := range Functions() {
		of := costOf
		if f.name == "glob" {
			of = globCost
		}
		all = append(all, cost.OverloadTracker(f.overload, of))
	}
	return all
}

func costOf(args []ref.Val, result ref.Val) *uint64 {
	n := uint64(1)
	for _, v := range append(args[:len(args):len(args)], result) {
		if s, ok := v.(traits.Sizer); ok {
			if size, ok := s.Size().(types.Int); ok {
				n += uint64(size) / 10
			}
		}
	}
	return &n
}

// globCost is that of a pattern which is not compiled yet: one may be made of facts.
func globCost(args []ref.Val, _ ref.Val) *uint64 {
	path, pattern := texts(args)
	n := 1 + uint64(len(path))/10 + uint64(len(pattern))
	return &n
}

func texts(args []ref.Val) (a, b string) {
	first, _ := args[0].(types.String)
	second, _ := args[1].(types.String)
	return string(first), string(second)
}

func globCall(g *globs, args []ref.Val) ref.Val {
	path, pattern := texts(args)
	re, err := g.compile(pattern)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(re.MatchString(path))
}

func withinCall(_ *globs, args []ref.Val) ref.Val {
	a, b := texts(args)
	mode, err := modeOf(a)
	if err != nil {
		return types.WrapErr(err)
	}
	most, err := modeOf(b)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(mode&^most == 0)
}

func modeOf(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 8, 12)
	if err != nil {
		return 0, errors.New("want a mode of octal digits, such as \"0644\", got " + strconv.Quote(s))
	}
	return n, nil
}

func atLeastCall(_ *globs, args []ref.Val) ref.Val {
	a, b := texts(args)
	for _, v := range []string{a, b} {
		if err := deb.CheckVersion(v); err != nil {
			return types.WrapErr(err)
		}
	}
	return types.Bool(deb.Compare(a, b) >= 0)
}

func joinCall(_ *globs, args []ref.Val) ref.Val {
	list, ok := args[0].(traits.Lister)
	between, isText := args[1].(types.String)
	if !ok || !isText {
		return types.NewErr("join wants a list of texts")
	}
	var parts []string
	for it := list.Iterator(); it.HasNext() == types.True; {
		s, ok := it.Next().(types.String)
		if !ok {
			return types.NewErr("join wants a list of texts")
		}
		parts = append(parts, string(s))
	}
	return types.String(strings.Join(parts, string(between)))
}

func lowerCall(_ *globs, args []ref.Val) ref.Val {
	s, _ := args[0].(types.String)
	return types.String(strings.ToLower(string(s)))
}

const (
	day     = 24 * time.Hour
	maxDays = 100_000
)

func daysCall(_ *globs, args []ref.Val) ref.Val {
	n, _ := args[0].(types.Int)
	if n < -maxDays || n > maxDays {
		return types.NewErr("want at most %d days, got %d", maxDays, n)
	}
	return types.Duration{Duration: time.Duration(n) * day}
}

func asSizeCall(_ *globs, args []ref.Val) ref.Val {
	n, _ := args[0].(types.Int)
	for _, u := range []struct {
		name string
		n    types.Int
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if n >= u.n {
			return types.String(strconv.FormatFloat(float64(n)/float64(u.n), 'f', 1, 64) + " " + u.name)
		}
	}
	return types.String(strconv.FormatInt(int64(n), 10) + " B")
}
