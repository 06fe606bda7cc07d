package awk

import "kiln/internal/maint/regex"

// Program is a parsed program. It serves one run at a time.
type Program struct {
	begin, end []*block
	rules      []*rule
	functions  map[string]*function
	globals    map[string]*symbol
	count      int // of globals
}

// rule is a pattern with its action. A nil action prints; with until, it is a range.
type rule struct {
	pattern, until expr
	action         *block
	index          int
}

type function struct {
	name    string
	params  []*symbol
	body    *block
	defined bool
	line    int
}

// symbol is a variable. What it holds is found out once, for all of the program.
type symbol struct {
	name          string
	local         bool
	index         int
	scalar, array bool // how it is used
	line          int
}

type expr interface{}

type (
	numberLiteral struct{ value value }
	stringLiteral struct{ value value }
	regexLiteral  struct{ re *regex.Automaton }
	variable      struct {
		symbol *symbol
		at     int // in parser.bare
	}
	element struct {
		array *symbol
		keys  []expr
	}
	field struct{ index expr }
	group struct{ list []expr } // (a, b), of print and in
	unary struct {
		op      kind
		operand expr
	}
	binary struct {
		op          kind
		left, right expr
	}
	concatenation struct{ parts []expr }
	conditional   struct{ test, yes, no expr }
	assignment    struct {
		op     kind // "" for =
		target expr
		value  expr
	}
	increment struct {
		target  expr
		by      float64
		postfix bool
	}
	membership struct {
		keys  []expr
		array *symbol
	}
	call struct {
		function *function
		args     []expr
	}
	builtinCall struct {
		name string
		args []expr
		line int
	}
	getline struct {
		kind   kind // "" for the main input, "<" or "|"
		source expr
		target expr // nil for $0
	}
)

type statement interface{}

type (
	block               struct{ list []statement }
	expressionStatement struct{ value expr }
	printStatement      struct {
		formatted bool
		args      []expr
		to        kind // "", ">", ">>", "|"
		target    expr
	}
	ifStatement struct {
		test    expr
		yes, no statement
	}
	whileStatement struct {
		test expr
		body statement
		late bool // do: the test comes last
	}
	forStatement struct {
		first statement
		test  expr // nil: always
		next  statement
		body  statement
	}
	forIn struct {
		target expr
		array  *symbol
		body   statement
	}
	deletion struct {
		array *symbol
		keys  []expr // nil: all of them
	}
	jump struct {
		op    flow
		value expr // of exit and return
	}
)

// flow is how a statement ended.
type flow int

const (
	flowOn flow = iota
	flowBreak
	flowContinue
	flowNext
	flowNextFile
	flowExit
	flowReturn
)
