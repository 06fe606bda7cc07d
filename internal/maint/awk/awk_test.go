package awk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"kiln/internal/maint/awk"
)

// memory is files by name.
type memory map[string]*bytes.Buffer

func (m memory) Open(name string) (io.ReadCloser, error) {
	if strings.HasPrefix(name, "/forbidden") {
		return nil, &awk.StopError{Err: errForbidden}
	}
	b := m[name]
	if b == nil {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(b.Bytes())), nil
}

func (m memory) Create(name string, appending bool) (io.WriteCloser, error) {
	if strings.HasPrefix(name, "/forbidden") {
		return nil, fs.ErrPermission
	}
	if m[name] == nil || !appending {
		m[name] = &bytes.Buffer{}
	}
	return closer{m[name]}, nil
}

type closer struct{ io.Writer }

func (closer) Close() error { return nil }

var errForbidden = errors.New("forbidden")

func run(ctx context.Context, source, stdin string, files memory, limits awk.Limits, args ...string) (string, int, error) {
	program, err := awk.Parse(source)
	if err != nil {
		return "", 2, err
	}
	var out bytes.Buffer
	status, err := awk.Run(ctx, program, awk.Options{
		Name: "awk", Args: args, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: io.Discard, Files: files, Limits: limits,
	})
	return out.String(), status, err
}

func TestPrograms(t *testing.T) {
	for _, row := range []struct{ program, want string }{
		{`BEGIN { print 2 ^ 31, 2 ^ 53, -2 ^ 62, 1e18, 1e30 }`, "2147483648 9007199254740992 -4611686018427387904 1000000000000000000 1e+30\n"},
		{`BEGIN { print "0x1A" + 0, "inf" + 0, "nan" + 0 }`, "0 0 0\n"},
		{`BEGIN { printf "%d %u %x\n", 2 ^ 53, -1, -1; printf "%d\n", 1e30 }`, "9007199254740992 18446744073709551615 ffffffffffffffff\n1e+30\n"},
		{`BEGIN { print log(-1), (1 / 0 > 1e308); printf "%d %5s|\n", 1 / 0, -1 / 0 }`, "nan 1\ninf  -inf|\n"},
		{`BEGIN { print "aa" ~ /^a{2}$/, "aaa" ~ /^a{2}$/, "a{" ~ /a{/ }`, "1 0 1\n"},
		{`function f(a) { return length(a) } BEGIN { a[1]; a[2]; print f(a) }`, "2\n"},
		{`BEGIN { a["x"]; b[1]; print length(c), length(a) + length(b) }`, "0 2\n"},
		{`BEGIN { print "a" > "/out"; print "b" > "/out"; close("/out"); print "c" >> "/out"; printf "%s", "d" > "/other" }`, "[/other d][/out a\nb\nc\n]"},
		{`BEGIN { print "x" > "/t"; close("/t"); while ((getline l < "/t") > 0) print "got", l; print close("/t"), close("/t") }`, "got x\n0 -1\n[/t x\n]"},
		{`BEGIN { print "x" > "/t"; fflush("/t"); getline l < "/t"; print l, fflush("/none") }`, "x -1\n[/t x\n]"},
		{`BEGIN { getline l < "/empty"; print (getline l < "/none"), l "|" }`, "-1 |\n"},
		{`{ print > ("/by-" $1) } END { print NR }`, "2\n[/by-in in put\n][/by-second second\n]"},
		{`BEGIN { x = ((1 + 2)) * 3; print ((x)), (((x = 4))), ((x) ":"); print(((5))) }`, "9 4 4:\n5\n"},
		{`BEGIN { n = log(-1); print (n == 1), (n != 1), (n < 1) }`, "1 0 0\n"},
		{`BEGIN { printf "[%5.0c|%c|%#.0o|%#o|%#x]\n", 65, 2 ^ 33 + 66, 0, 8, 0 }`, "[     |B|0|010|0]\n"},
		{`BEGIN { printf "a%cb", 0 }`, "a\x00b"},
		{`{ print length($0), $0 ~ /^.+$/ }`, "6 1\n6 1\n"},
		{`BEGIN { while ("x" | getline) ; }`, "unsupported a pipe"},
		{`BEGIN { print "x" | "sh" }`, "unsupported a pipe"},
		{`BEGIN { system("true") }`, "unsupported system()"},
		{`BEGIN { srand(1) }`, "unsupported srand()"},
		{`BEGIN { print rand() }`, "unsupported rand()"},
		{`BEGIN { print systime() }`, "unsupported systime()"},
		{`BEGIN { print strftime("%Y") }`, "unsupported strftime()"},
		{`BEGIN { print mktime("2000 1 1 0 0 0") }`, "unsupported mktime()"},
		{`BEGIN { if (0) system("true"); print "on" }`, "on\n"},
		{`BEGIN { getline x < "/forbidden" }`, "error forbidden"},
		{`BEGIN { print > "/forbidden" }`, `error cannot open "/forbidden" (permission denied)`},
		{`BEGIN { print $(-1) }`, "error negative field index $-1"},
		{`BEGIN { NF = -1 }`, "error negative value assigned to NF"},
		{`BEGIN { print "x" ~ "(" }`, "error regular expression compile failed (missing operand): ("},
		{`BEGIN { printf "%y", 1 }`, `error improper conversion(number 1) in printf("%y")`},
		{`BEGIN { printf "%d" }`, `error not enough arguments passed to printf("%d")`},
		{"BEGIN {\n print 1 }\n}", "error line 3: syntax error at or near }"},
		{"\n /(/", "error line 2: regular expression compile failed (missing operand): ("},
		{`BEGIN { f(1) }`, "error line 1: function f never defined"},
		{`function f(a) { a[1] } BEGIN { f(1) }`, "error line 1: type error in arg(1) in call to f"},
		{`function f(a) { a[1] } BEGIN { x = 1; f(x) }`, "error line 1: illegal reference to array x"},
		{`function f(a, a) { }`, "error line 1: a is a parameter twice"},
		{`function f() { } function f() { }`, "error line 1: function f is defined twice"},
		{`BEGIN { substr("x") }`, "error line 1: wrong number of arguments in call to substr"},
		{`BEGIN { sub(/x/, "y", "z") }`, "error line 1: sub's third argument cannot be assigned to"},
		{`BEGIN { print "x`, "error line 1: runaway string constant"},
		{`BEGIN { print /x`, "error line 1: runaway regular expression /x"},
		{`BEGIN { break }`, "error line 1: break outside a loop"},
		{"BEGIN { \x01 }", `error line 1: unexpected character "\x01"`},
	} {
		files := memory{}
		got, _, err := run(context.Background(), row.program, "in put\nsecond", files, awk.Limits{})
		var unsupported *awk.UnsupportedError
		switch {
		case errors.As(err, &unsupported):
			got = "unsupported " + unsupported.What
		case err != nil:
			got = "error " + err.Error()
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			got += "[" + name + " " + files[name].String() + "]"
		}
		if got != row.want {
			t.Errorf("%.100s\ngot  %q\nwant %q", row.program, got, row.want)
		}
	}
}

// limitOf is the memory that a test of a limit may use: enough to come to others.
func limitOf(r awk.Resource) int64 {
	if r == awk.Memory {
		return 1 << 20
	}
	return 16 << 20
}

// endless is a file without an end, and without a newline.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// Whatever a program does, it ends at a limit, and the error says at which.
func TestLimits(t *testing.T) {
	for _, row := range []struct {
		program string
		want    awk.Resource
	}{
		{`BEGIN { while (1); }`, awk.Steps},
		{`BEGIN { for (;;) x++ }`, awk.Steps},
		{`BEGIN { do ; while (1) }`, awk.Steps},
		{`function f(n) { return n < 30 ? f(n + 1) + f(n + 1) : 1 } BEGIN { f(0) }`, awk.Steps},
		{`BEGIN { x = sprintf("%100000d", 1); while (1) gsub(/ /, "-", x) + gsub(/-/, " ", x) }`, awk.Steps},
		{`BEGIN { x = sprintf("%100000d", 1); while (1) n += gsub(/( *)*( *)* *x/, "&", x) }`, awk.Steps},
		{`BEGIN { x = sprintf("%300000d", 1); while (1) n += x ~ "(( ?){30}){30}x" }`, awk.Steps},
		{`BEGIN { x = sprintf("%300000d", 1); while (1) n += index(x, "x") }`, awk.Steps},
		{`BEGIN { x = sprintf("%300000d", 1); y = x ""; while (1) n += x < y }`, awk.Steps},
		{`BEGIN { x = sprintf("%300000d", 1); while (1) n += length(toupper(x)) }`, awk.Steps},
		{`BEGIN { a[1]; while (1) for (k in a) { delete a; a[1] } }`, awk.Steps},
		{`BEGIN { while (1) { $200 = "x"; $0 = "" } }`, awk.Steps},
		{`BEGIN { while (1) n = split("a b c d", a) }`, awk.Steps},
		{`BEGIN { while (("x" n++) != "") ; }`, awk.Steps},
		{`BEGIN { while ((getline l < "/none") < 0) ; }`, awk.Steps},
		{`BEGIN { x = "x"; while (1) x = x x }`, awk.Memory},
		{`BEGIN { x = "x"; while (1) { y = x x; x = y } }`, awk.Memory},
		{`BEGIN { while (1) x = x sprintf("%9999d", 1) }`, awk.Memory},
		{`BEGIN { while (1) a[n++] }`, awk.Memory},
		{`BEGIN { while (1) a[n++, "key"] = n }`, awk.Memory},
		{`BEGIN { while (1) a[n] = a[n++] "x" n }`, awk.Memory},
		{`BEGIN { x = sprintf("%9999d", 1); while (1) a[n++] = x }`, awk.Memory},
		{`BEGIN { x = sprintf("%9999d", 1); while (1) a[n++ x] }`, awk.Memory},
		{`BEGIN { x = sprintf("%2000000000d", 1) }`, awk.Memory},
		{`BEGIN { x = sprintf("%.2000000000f", 1) }`, awk.Memory},
		{`BEGIN { x = sprintf("%-*s", 2000000000, 1) }`, awk.Memory},
		{`BEGIN { printf "%2000000000c", 1 }`, awk.Memory},
		{`BEGIN { printf "%#.2000000000g", 1 }`, awk.Memory},
		{`BEGIN { OFMT = "%2000000000f"; print 1.5 }`, awk.Memory},
		{`BEGIN { CONVFMT = "%2000000000f"; x = 1.5 "" }`, awk.Memory},
		{`BEGIN { x = sprintf("%400000d", 1); gsub(/ /, x, x) }`, awk.Memory},
		{`BEGIN { x = sprintf("%400000d", 1); gsub(/./, "&&&&", x) }`, awk.Memory},
		{`BEGIN { x = sprintf("%400000d", 1); sub(/.*/, "&&&", x) }`, awk.Memory},
		{`BEGIN { x = sprintf("%100000d", 1); split(x, a, "") }`, awk.Memory},
		{`BEGIN { x = sprintf("%400000d", 1); $0 = x; FS = " "; print x x x }`, awk.Memory},
		{`BEGIN { FS = ""; $0 = sprintf("%100000d", 1); $3 = 1 }`, awk.Memory},
		{`BEGIN { $1000000 = 1 }`, awk.Memory},
		{`BEGIN { NF = 2000000000 }`, awk.Memory},
		{`BEGIN { OFS = sprintf("%9999d", 1); $200 = 1; print }`, awk.Memory},
		{`BEGIN { SUBSEP = sprintf("%200000d", 1); a[1, 2, 3, 4, 5, 6, 7, 8] }`, awk.Memory},
		{`BEGIN { x = sprintf("%90000d", 1); print x x, x x, x x, x x, x x, x x, x x }`, awk.Memory},
		{`function f(x) { f(x x) } BEGIN { f("xxxxxxxxx") }`, awk.Memory},
		{`function f(x, a) { a[1] = x; f(x) } BEGIN { f(sprintf("%9999d", 1)) }`, awk.Memory},
		{`{ print }`, awk.Memory},
		{`BEGIN { getline x }`, awk.Memory},
		{`BEGIN { RS = "y+" } { print }`, awk.Memory},
		{`BEGIN { RS = "x+" } { print }`, awk.Memory},
		{`BEGIN { RS = "" } { print }`, awk.Memory},
		{`BEGIN { while (1) print "x" > (n++ sprintf("%9999d", 1)) }`, awk.Memory},
		{`function f() { return f() } BEGIN { f() }`, awk.Depth},
		{`function f(x) { g(x) } function g(x) { f(x) } BEGIN { f(1) }`, awk.Depth},
		{`function f(a) { a[1]; f(a) } BEGIN { f(a) }`, awk.Depth},
		{`BEGIN { print ` + strings.Repeat("1+", 20_000) + `1 }`, awk.Depth},
		{`BEGIN { while (1) print "yes" }`, awk.Output},
		{`BEGIN { while (1) print "yes" > "/dev/stderr" }`, awk.Output},
		{`BEGIN { while (1) printf "yes" > "/file" }`, awk.Output},
		{`BEGIN { ORS = sprintf("%9999d", 1); while (1) print }`, awk.Output},
		{strings.Repeat("#", 300<<10), awk.Source},
		{strings.Repeat("(", 5000), awk.Nested},
		{"BEGIN { " + strings.Repeat("{", 5000), awk.Nested},
		{"BEGIN { x = " + strings.Repeat("- ", 5000), awk.Nested},
		{"BEGIN { x = " + strings.Repeat("$", 5000), awk.Nested},
		{"BEGIN { x = 2" + strings.Repeat("^2", 5000), awk.Nested},
		{"BEGIN { " + strings.Repeat("x = ", 5000), awk.Nested},
		{"BEGIN { " + strings.Repeat("if (1) ", 5000), awk.Nested},
		{"BEGIN { x = " + strings.Repeat("++", 5000), awk.Nested},
		{"BEGIN { x = " + strings.Repeat("1 ? ", 5000), awk.Nested},
		{"BEGIN { x = " + strings.Repeat("getline < ", 5000), awk.Nested},
		{"BEGIN { x = " + strings.Repeat("a[", 5000), awk.Nested},
		{`BEGIN { x = "x" ~ /(((x{99}){99}){99}){99}/ }`, awk.States},
		{`BEGIN { x = sprintf("%9999d", 1); gsub(/ /, "(", x); "x" ~ x }`, awk.States},
		{`BEGIN { while (1) print "x" > ("/file" n++) }`, awk.Opened},
		{`BEGIN { x = sprintf("%300000d", 1); print "x" ~ x }`, awk.Source},
	} {
		t.Run(fmt.Sprintf("%.60s", row.program), func(t *testing.T) {
			program, err := awk.Parse(row.program)
			if err == nil {
				_, err = awk.Run(context.Background(), program, awk.Options{
					Name: "awk", Stdin: endless{}, Stdout: io.Discard, Stderr: io.Discard, Files: memory{},
					Limits: awk.Limits{Steps: 2_000_000, Memory: limitOf(row.want), Depth: 10_000, Output: 1 << 18},
				})
			}
			var limit *awk.LimitError
			if !errors.As(err, &limit) || limit.Resource != row.want {
				t.Errorf("error %v, want %s", err, row.want)
			}
		})
	}
}

// What was let go counts no more: programs that work for long in little memory do.
func TestMemoryIsLetGo(t *testing.T) {
	limits := awk.Limits{Memory: 200_000, Steps: 10_000_000}
	for _, program := range []string{
		`BEGIN { for (i = 0; i < 4000; i++) { x = sprintf("%9999d", i); y = x } print length(y) }`,
		`BEGIN { for (i = 0; i < 4000; i++) { a["k" i] = i; delete a["k" i] } print length(a) }`,
		`BEGIN { for (i = 0; i < 4000; i++) { $0 = "a b c d"; $7 = "x"; NF = 1; $1 = "some text" } print }`,
		`BEGIN { for (i = 0; i < 2000; i++) split("a b c d e f g h", a); print length(a) }`,
		`function f(x, a) { a[1] = x; a[2] = x; return x } BEGIN { for (i = 0; i < 4000; i++) x = f("some text"); print x }`,
		`BEGIN { while (sprintf("%999d", i) != "" && i++ < 4000) ; print i }`,
		`BEGIN { for (i = 0; i < 4000; i++) { print "x" > "/t"; close("/t"); getline x < "/t"; close("/t") } print x }`,
		`BEGIN { x = "xyx"; for (i = 0; i < 4000; i++) { gsub(/x/, "yy", x); gsub(/yy/, "x", x) } print x }`,
		`BEGIN { for (i = 0; i < 4000; i++) r = "x" ~ ("a" i); print r }`,
		`{ x = $0; n += NF } END { print n }`,
		`{ a[NR % 10] = $1 } END { print length(a) }`,
		`BEGIN { while ((getline line) > 0) n++; print n }`,
		`BEGIN { RS = "[0-9]+" } { n++ } END { print n }`,
	} {
		out, _, err := run(context.Background(), program, strings.Repeat("some words and 1 number\n", 10_000), memory{}, limits)
		if err != nil || out == "" {
			t.Errorf("%s\nerror %v, output %q", program, err, out)
		}
	}
}

// A small piece of a large string does not keep it.
func TestPiecesKeepNothing(t *testing.T) {
	program := `{ a[NR] = $1; b[NR] = substr($0, 3, 2); c[$1 NR]; d[substr($0, 1, 1) NR] = NR } END { print NR }`
	out, _, err := run(context.Background(), program, strings.Repeat("x "+strings.Repeat("y", 9_998)+"\n", 2_000), memory{}, awk.Limits{Memory: 2 << 20})
	if err != nil || out != "2000\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, program := range []string{`BEGIN { while (1); }`, `BEGIN { x = sprintf("%1000000d", 1); while (1) x ~ /y/ }`} {
		if _, _, err := run(ctx, program, "", memory{}, awk.Limits{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
}

// The same program on the same input prints the same, whatever the order of Go's maps.
func TestOrderIsFixed(t *testing.T) {
	program := `{ for (i = 1; i <= NF; i++) a[$i i] = i; b[NR * 7]; b[NR ""] } END { for (k in a) printf "%s ", k; for (k in b) printf "%s ", k }`
	input := strings.Repeat("the quick brown fox jumps over the lazy dog\n", 300)
	first, _, err := run(context.Background(), program, input, memory{}, awk.Limits{})
	if err != nil || first == "" {
		t.Fatal(err)
	}
	for range 20 {
		if again, _, _ := run(context.Background(), program, input, memory{}, awk.Limits{}); again != first {
			t.Fatalf("%q and %q", first, again)
		}
	}
}

// FuzzAwk: no program panics, and each ends within its limits.
func FuzzAwk(f *testing.F) {
	for _, l := range programs(f) {
		f.Add(l.program, "some 1 words\n2 of input\n")
	}
	f.Fuzz(func(t *testing.T, source, stdin string) {
		out, _, err := run(context.Background(), source, stdin, memory{}, awk.Limits{Steps: 200_000, Memory: 1 << 20, Depth: 2_000, Output: 1 << 16}, "x=1", "-")
		if len(out) > 1<<16 {
			t.Errorf("%d bytes of output", len(out))
		}
		var limit *awk.LimitError
		var unsupported *awk.UnsupportedError
		var syntax *awk.SyntaxError
		var running *awk.RuntimeError
		if err != nil && !errors.As(err, &limit) && !errors.As(err, &unsupported) && !errors.As(err, &syntax) && !errors.As(err, &running) && !errors.Is(err, errForbidden) {
			t.Errorf("error %v", err)
		}
	})
}
