package shell_test

import (
	"context"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/maint/command"
	"kiln/internal/maint/shell"
	"kiln/internal/tree"
)

// wantOutput runs a script that has to succeed.
func (b *bench) wantOutput(text, want string) {
	b.t.Helper()
	status, err := b.run(text)
	if err != nil || status != 0 || b.out.String() != want {
		b.t.Errorf("%s\ngot %q, status %d, %v (%s); want %q", text, b.out.String(), status, err, b.errs.String(), want)
	}
}

func (b *bench) wantStop(text string, want ...string) {
	b.t.Helper()
	_, err := b.run(text)
	if err == nil {
		b.t.Errorf("%s\nran to its end and printed %q", text, b.out.String())
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			b.t.Errorf("%s\nerror %v, want %q", text, err, w)
		}
	}
}

func TestScriptSeesTheTreeOnly(t *testing.T) {
	b := newBench(t)
	b.write("/usr/bin/tool", "\x7fELF", 0o755)
	b.write("/usr/bin/sed", "\x7fELF", 0o755)
	b.wantOutput("command -v tool sed; command -v tool; which sed; which grep || echo none; [ -x /usr/bin/tool ] && echo x; type sed", "/usr/bin/tool\n/usr/bin/tool\n/usr/bin/sed\nnone\nx\nsed is /usr/bin/sed\n")
	b.wantOutput("command -v grep || echo grep is served all the same; echo a | grep a", "grep is served all the same\na\n")
	b.wantOutput("command -v cd [ . if; command -v nothing || echo no", "cd\nno\n")
}

func TestWhatCannotBeHonoured(t *testing.T) {
	b := newBench(t)
	b.write("/usr/bin/tool", "\x7fELF", 0o755)
	b.write("/usr/bin/pl", "#! /usr/bin/perl -w\n", 0o755)
	b.wantStop("\n\ntool -x a", "cannot honour pkg's postinst, line 3", `"/usr/bin/tool"`, "tool -x a")
	b.wantStop("pl", "line 1", `written for "/usr/bin/perl -w"`)
	b.wantStop("#!/usr/bin/python3\nprint(1)", `written for "/usr/bin/python3"`)
	b.wantStop("sed --frobnicate", "line 1", "--frobnicate")
	b.wantStop("tool || true", "/usr/bin/tool")
	b.wantStop("if tool 2>/dev/null; then :; fi", "/usr/bin/tool")
	b.wantStop("x=$(tool | cat)", "/usr/bin/tool")
	b.wantStop("if then", "cannot be parsed")
	b.wantStop("#!/bin/bash\nselect x in a; do :; done", "select")
	b.wantStop("fc", `"fc"`)
	_, err := b.run("tool")
	if kiln.CodeOf(err) != kiln.User {
		t.Errorf("code %v", kiln.CodeOf(err))
	}
	if hints := strings.Join(kiln.HintsOf(err), "\n"); !strings.Contains(hints, "- {package: pkg, scripts: [postinst], why: ...}") {
		t.Errorf("hints %q", hints)
	}
}

func TestScriptsOfTheTree(t *testing.T) {
	b := newBench(t)
	b.write("/usr/bin/hello", "#!/bin/sh -e\necho \"$0\" \"$#\" \"$1\" $unexported $exported\nfalse\necho no\n", 0o755)
	b.write("/usr/bin/plain", "echo plain\n", 0o644)
	b.write("/usr/share/sed", "#!/bin/sh\necho not the command\n", 0o755)
	b.wantOutput("unexported=1; exported=2; export exported; hello a b || echo $?", "hello 2 a 2\n1\n")
	b.wantOutput("cd /usr/bin; ./hello x || :; plain || echo $?; sh plain; sh ./plain", "./hello 1 x\n127\nplain\nplain\n")
	b.wantOutput("/usr/share/sed", "not the command\n")
	b.wantOutput("env -i PATH=/usr/bin hello || :", "hello 0 \n")
	b.wantOutput("echo a | xargs hello || echo $?; find /usr/bin -name plain -exec sh {} \\;", "hello 1 a\n123\nplain\n")
	b.wantOutput("sh -c 'echo $0 $1' a b; sh -ec 'false; echo no' || echo $?; echo 'echo in $1' | sh -s x; echo 'echo stdin' | sh", "a b\n1\nin x\nstdin\n")
	b.wantOutput("PATH=/nowhere; plain || echo $?; /bin/plain || echo $?", "127\n127\n")
}

func TestSourceReplacesFiles(t *testing.T) {
	b := newBench(t)
	b.write("/usr/share/debconf/confmodule", "echo the real one", 0o644)
	b.runner.Source = map[string]string{"/usr/share/debconf/confmodule": "db_get() { RET=$1; }"}
	b.wantOutput(". /usr/share/debconf/confmodule; db_get x; echo $RET; cat /usr/share/debconf/confmodule", "x\necho the real one")
}

func TestEffectsHaveAuthors(t *testing.T) {
	b := newBench(t)
	b.write("/usr/lib/lib.sh", "touch /from-lib\n", 0o644)
	b.write("/usr/bin/helper", "#!/bin/sh\n\ntouch /from-helper\n", 0o755)
	if status, err := b.run("set -e\ntouch /a\n. /usr/lib/lib.sh\nhelper\nf() {\n  echo x > /b\n}\nf\nx=$(touch /c)\necho | while read x; do\n  mkdir /d\ndone\nchmod 700 /a\n"); err != nil || status != 0 {
		t.Fatal(status, err, b.errs.String())
	}
	tr, err := b.fs.Tree()
	if err != nil {
		t.Fatal(err)
	}
	for path, line := range map[string]string{"a": "13", "from-lib": "3", "from-helper": "4", "b": "6", "c": "9", "d": "11"} {
		e, ok := tr.Lookup(path)
		if want := (tree.Origin{Package: "pkg", Script: "pkg.postinst:" + line}); !ok || e.Origin != want {
			t.Errorf("%s: %+v, want %+v", path, e.Origin, want)
		}
	}
}

func TestMachineKnowsTheLine(t *testing.T) {
	b := newBench(t)
	var lines []int
	b.runner.Table["probe"] = func(_ context.Context, c *command.Call) (int, error) {
		lines = append(lines, c.Machine.Line)
		return 0, nil
	}
	b.write("/usr/bin/probe", "\x7fELF", 0o755)
	b.wantOutput("probe\n\nprobe | probe\nif probe; then\n  probe $(probe) \\\n    a\nfi\neval 'probe\nprobe'\n", "")
	want := []int{1, 3, 3, 4, 5, 5, 8, 8}
	if len(lines) != len(want) {
		t.Fatalf("lines %v, want %v", lines, want)
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Fatalf("lines %v, want %v", lines, want)
		}
	}
}

func TestBash(t *testing.T) {
	b := newBench(t)
	for script, want := range map[string]string{
		"a=(x 'y z'); a+=(w); echo ${#a[@]} \"${a[1]}\"; for i in \"${a[@]}\"; do echo \"<$i>\"; done":                     "3 y z\n<x>\n<y z>\n<w>\n",
		"[[ abc == a* && ! -e /no && 3 -gt 2 ]] && echo yes; [[ a == 'a*' ]] || echo no":                                   "yes\nno\n",
		"[[ foo-12 =~ ^([a-z]+)-([0-9]+)$ ]] && echo ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}":                                "foo 12\n",
		"for ((i=0; i<3; i++)); do echo -n $i; done; (( i == 3 )) && echo \" end\"":                                        "012 end\n",
		"echo {a,b}{1..2}; echo -e 'a\\tb'; echo 'a\\tb'":                                                                  "a1 a2 b1 b2\na\tb\na\\tb\n",
		"f() { local x=1 y; declare -r z=2; echo $x$y$z; }; f; x=abcabc; echo ${x//b/-} ${x/a/_} ${x:1:2} ${x^^}":          "12\na-ca-c _bcabc bc ABCABC\n",
		"set -o pipefail; false | true || echo failed; cat <<< here; echo x &> /f; cat /f; source /f 2>/dev/null; echo $?": "failed\nhere\nx\n127\n",
		"function f { echo $FUNCNAME$1; }; f a; a=(); a[2]=c; echo ${a[2]} $((2**3))":                                      "a\nc 8\n",
	} {
		b.wantOutput("#!/bin/bash\n"+script, want)
	}
}

func TestOldBytesInScripts(t *testing.T) {
	b := newBench(t)
	b.wantOutput("# caf\xe9\nx='\xe9'; printf '%s' \"$x\xe8\" a\xe7 | cat > /dev/null; echo \"$x\"\xe8 ; cat <<E\n\xea\nE\n", "\xe9\xe8\n\xea\n")
}

func TestRunsDoNotShareState(t *testing.T) {
	b := newBench(t)
	b.wantOutput("umask 077; cd /tmp; x=1; f() { :; }; exec 3>/dev/null; trap 'echo t' EXIT", "t\n")
	b.wantOutput("umask; pwd; echo ${x-none}; type f >/dev/null || echo no; (echo x >&3) 2>/dev/null || echo closed", "0022\n/\nnone\nno\nclosed\n")
	if b.runner.Machine.Package != "pkg" || b.runner.Machine.Script != "postinst" {
		t.Error("the machine does not know the script")
	}
}

func FuzzScript(f *testing.F) {
	for _, s := range []string{"echo $x | cat", "for i in *; do :; done", "x=${x:-a}; case $x in a) ;; esac", "cat <<E\n$(a)\nE", "set -e; f() { local x; }; f && ! f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := newBench(t)
		b.runner.Limits = shell.Limits{Steps: 2000, Memory: 1 << 20, Output: 1 << 20}
		status, err := b.run(text)
		if err != nil && kiln.CodeOf(err) == kiln.Bug || status < 0 || status > 255 {
			t.Errorf("%q: status %d, %v", text, status, err)
		}
	})
}

// A script of the tree that a shell is given by its file goes to the table as it
// does where it is called.
func TestShellOfTableCommand(t *testing.T) {
	b := newBench(t)
	b.runner.Table["probe"] = func(_ context.Context, c *command.Call) (int, error) {
		_, err := c.Stdout.Write([]byte(strings.Join(c.Args, ",") + "\n"))
		return 3, err
	}
	b.write("/usr/bin/probe", "#!/bin/sh\necho script\n", 0o755)
	b.write("/opt/probe", "#!/bin/sh\necho script\n", 0o755)
	b.wantOutput("bash /usr/bin/probe a b || echo $?\nsh /opt/probe\n", "a,b\n3\nscript\n")
}
