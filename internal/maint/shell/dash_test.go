package shell_test

import (
	"os"
	"testing"
)

// Each row was run with dash 0.5.12; with KILN_TEST=real it is again.
func TestAsDash(t *testing.T) {
	for _, row := range []struct {
		summary, script, want string
		status                int
	}{
		// set -e
		{"failure ends", "set -e; false; echo no", "", 1},
		{"condition does not", "set -e; if false; then :; fi; echo yes", "yes\n", 0},
		{"and list does not", "set -e; false && true; echo yes", "yes\n", 0},
		{"last of and list does", "set -e; true && false; echo no", "", 1},
		{"if ending in and list does not", "set -e; if true; then false && true; fi; echo yes", "yes\n", 0},
		{"function ending in and list does", "set -e; f() { false && true; }; f; echo no", "", 1},
		{"braces ending in and list do not", "set -e; { false && true; }; echo yes", "yes\n", 0},
		{"subshell ending in and list does", "set -e; ( false && true ); echo no", "", 1},
		{"case ending in and list does not", "set -e; case x in x) false && true;; esac; echo yes", "yes\n", 0},
		{"loop ending in and list does not", "set -e; for i in 1; do false && true; done; echo yes", "yes\n", 0},
		{"negation does not", "set -e; ! true; echo yes", "yes\n", 0},
		{"tested function goes on", "set -e; f() { false; echo on; }; f || echo no; echo yes", "on\nyes\n", 0},
		{"tested subshell goes on", "set -e; ( false; echo on ) && echo yes", "on\nyes\n", 0},
		{"tested substitution stops", "set -e; if x=$(false; echo on); then echo yes; fi; echo end:$x", "end:\n", 0},
		{"assignment's substitution ends", "set -e; x=$(false); echo no", "", 1},
		{"argument's substitution does not", "set -e; echo $(false)yes", "yes\n", 0},
		{"local's substitution does not", "set -e; f() { local x=$(false); echo yes; }; f", "yes\n", 0},
		{"export's substitution does not", "set -e; export x=$(false); echo yes", "yes\n", 0},
		{"pipeline's last counts", "set -e; false | true; echo yes; true | false; echo no", "yes\n", 1},
		{"while condition", "set -e; while false; do :; done; echo yes", "yes\n", 0},
		{"eval is tested", "set -e; eval 'false; echo on' || echo no", "on\n", 0},
		{"exit in substitution", "x=$(exit 3); echo $?", "3\n", 0},
		{"or with exit", "set -e; false || exit 4", "", 4},
		{"return status", "set -e; f() { return 3; }; f || echo $?; f; echo no", "3\n", 3},
		{"elif", "set -e; if false; then echo a; elif true; then echo b; else echo c; fi", "b\n", 0},
		{"no branch is success", "false; if false; then :; fi; echo $?", "0\n", 0},
		{"dot is not tested", "echo 'false; echo on' > lib; set -e; . ./lib || echo no; echo end", "", 1},

		// traps
		{"exit trap", "trap 'echo bye $?' EXIT; exit 3", "bye 3\n", 3},
		{"exit trap under set -e", "set -e; trap 'echo bye' 0; false", "bye\n", 1},
		{"exit trap changes status", "trap 'exit 5' EXIT; exit 3", "", 5},
		{"trap reset", "trap 'echo no' EXIT; trap - EXIT; echo yes", "yes\n", 0},
		{"subshell has no trap", "trap 'echo bye' EXIT; (echo in); echo out", "in\nout\nbye\n", 0},

		// words
		{"split and glob", "touch b a .c; set -- *; echo $#:$*; x='*'; echo $x \"$x\"", "2:a b\na b *\n", 0},
		{"no match stays", "echo /nonexistent/*", "/nonexistent/*\n", 0},
		{"braces stay", "echo {a,b} a{1..3}", "{a,b} a{1..3}\n", 0},
		{"IFS", "IFS=:; x=a:b::c; set -- $x; echo $#; IFS=; set -- $x; echo $#", "4\n1\n", 0},
		{"at within", `set -- "a b" c; for i in "x$@y"; do echo "<$i>"; done; for i in ${1+"$@"} "${1+$@}"; do echo "<$i>"; done`, "<xa b>\n<cy>\n<a b>\n<c>\n<a b>\n<c>\n", 0},
		{"default with quotes", `set -- ${x-"a b" c} ${y:-d\ e}; echo $#; echo "${x-a "b" c}"`, "3\na b c\n", 0},
		{"IFS white space and colon", `IFS=' :'; x=' a : b::c: '; set -- $x; echo $#; for i; do printf '<%s>' "$i"; done`, "4\n<a><b><><c>", 0},
		{"colon first", `IFS=:; x=:a; set -- $x; echo $#; set -- p$x; echo $# $1`, "2\n2 p\n", 0},
		{"glob from a variable", `touch 'a*b' axb; x='a*b'; echo $x; printf '%s,' "$x"`, "a*b axb\na*b,", 0},
		{"at", `set -- "a b" c; for i in "$@"; do echo "<$i>"; done; echo "$*"; set --; echo $# "$@" end`, "<a b>\n<c>\na b c\n0 end\n", 0},
		{"defaults", `unset x; echo ${x-u} ${x:-v} ${x:=w} $x ${x:+y} ${#x}`, "u v w w y 1\n", 0},
		{"trims", `x=a/b/c.tar.gz; echo ${x##*/} ${x#*/} ${x%.*} ${x%%.*}`, "c.tar.gz b/c.tar.gz a/b/c.tar a/b/c\n", 0},
		{"quoted trim", `x='a*b'; echo "${x%'*'*}" "${x%\*b}"`, "a a\n", 0},
		{"unset is fatal", "set -u; echo $undefined; echo no", "", 2},
		{"message is fatal", "echo ${x:?no x}; echo no", "", 2},
		{"arithmetic", "x=3; echo $((x*2+1)) $((x>2&&x<4)) $((x=7)) $x $((010))", "7 1 7 7 8\n", 0},
		{"nested substitution", "echo $(echo $(echo a) `echo b`) \"$(printf 'x\\n\\n')\"", "a b x\n", 0},
		{"tilde", "HOME=/h; echo ~ ~/x '~'", "/h /h/x ~\n", 0},
		{"escapes", `x=a\ b\'c; y="d\e\\f"; printf '%s,' "$x" "$y" a\ b 'c\n' "d\$x"; echo "e\\f"`, "a b'c,d\\e\\f,a b,c\\n,d$x,e\f\n", 0},
		{"echo -n", "echo -n a; echo b", "ab\n", 0},
		{"here-document", "x=1; cat <<E\na $x \\$x $(echo s) `echo t`\nE", "a 1 $x s t\n", 0},
		{"quoted here-document", "cat <<'E'\n$x {a,b} \\n\nE", "$x {a,b} \\n\n", 0},
		{"tabbed here-document", "cat <<-E\n\t\ta\n\tb $(echo c)\n\tE\n", "a\nb c\n", 0},
		{"positional", "set -- 1 2 3 4 5 6 7 8 9 ten; echo ${10} $10; shift 8; echo $1 $#", "ten 10\n9 2\n", 0},
		{"command name from variable", `c="echo a"; $c b`, "a b\n", 0},
		{"empty command", "x=; $x; echo $?", "0\n", 0},

		// redirections
		{"descriptors", "exec 3>&1; { echo a >&3; echo b; } > f; cat f; exec 3>&-", "a\nb\n", 0},
		{"swap", "{ echo out; echo err >&2; } 3>&1 1>&2 2>&3 3>&-", "err\n", 0},
		{"append", "echo a > f; echo b >> f; cat < f", "a\nb\n", 0},
		{"both", "{ echo a; echo b >&2; } > f 2>&1; cat f", "a\nb\n", 0},
		{"failed", "cat < nothing; echo $?", "2\n", 0},
		{"failed compound", "{ echo no; } < nothing; echo yes $?; set -e; { echo no; } < nothing; echo no", "yes 2\n", 2},
		{"failed special ends", ": < nothing; echo no", "", 2},
		{"no command", "> f; < f; echo $?; [ -e f ] && echo made", "0\nmade\n", 0},
		{"exec of output", "exec > f; echo a; exec 1>&2", "", 0},
		{"read loop", "printf 'a b\\nc\\n' | while read x y; do echo \"$y,$x\"; done", "b,a\n,c\n", 0},
		{"read leaves the rest", "printf '1\\n2\\n3\\n' | { read x; cat; }", "2\n3\n", 0},
		{"read raw", `printf 'a\\b\n' | { read -r x; echo "$x" | cat; }`, "a\b\n", 0},
		{"read at the end", "printf 'a' | { read x; echo $?$x; }", "1a\n", 0},
		{"variable of a pipeline is lost", "x=1; echo 2 | read x; echo $x", "1\n", 0},
		{"endless producer", "while :; do echo y; done | head -n 2", "y\ny\n", 0},

		// functions and variables
		{"local", "x=1; f() { local x; echo $x; x=2; local y=3; }; f; echo $x$y", "1\n1\n", 0},
		{"assignment before a function", "f() { echo $x; }; x=1; x=2 f; echo $x", "2\n1\n", 0},
		{"assignment before a special builtin", "x=1; x=2 :; echo $x", "2\n", 0},
		{"export", "x=1; export x y=2; sh -c 'echo $x$y$z'", "12\n", 0},
		{"assignment before a command", "x=1 sh -c 'echo $x'; echo $x", "1\n\n", 0},
		{"read-only", "readonly x=1; x=2; echo no", "", 2},
		{"unset", "x=1; unset x; echo ${x-gone}; f() { :; }; unset -f f; f 2>/dev/null; echo $?", "gone\n127\n", 0},
		{"recursion", "f() { [ $1 -eq 0 ] || { echo $1; f $(($1-1)); }; }; f 3", "3\n2\n1\n", 0},
		{"break and continue", "for i in 1 2 3 4; do for j in a b; do [ $i = 2 ] && continue 2; [ $i = 4 ] && break 2; echo $i$j; done; done", "1a\n1b\n3a\n3b\n", 0},
		{"case", "for x in a bc '' '[x]'; do case $x in a|b*) echo 1;; '') echo 2;; \\[*) echo 3;; *) echo 4;; esac; done", "1\n1\n2\n3\n", 0},
		{"until", "i=0; until [ $i -ge 2 ]; do i=$((i+1)); echo $i; done", "1\n2\n", 0},
		{"getopts", `while getopts ab:c o -a -b val -cx; do echo "$o${OPTARG-}"; done 2>/dev/null; echo $OPTIND`, "a\nbval\nc\n?\n5\n", 0},
		{"eval", `x='echo "a b"'; eval $x; eval "y=\$x"; echo "$y"`, "a b\necho \"a b\"\n", 0},
		{"dot", "echo 'x=5; return 3; x=6' > lib; . ./lib; echo $?$x", "35\n", 0},
		{"dot missing ends", ". ./nothing; echo no", "", 2},
		{"command dot missing does not", "command . ./nothing; echo yes", "yes\n", 0},
		{"exec ends", "exec echo a; echo b", "a\n", 0},
		{"not found", "nonexistent-command 2>/dev/null; echo $?", "127\n", 0},
		{"background", "false & wait $!; echo $?; wait; echo $?", "1\n0\n", 0},
		{"dollars", "echo $# $1 \"$2\" $?; [ $$ -gt 1 ] && echo pid", "2 configure  0\npid\n", 0},
		{"shift too far ends", "shift 5; echo no", "", 2},
		{"cd", "mkdir d; cd d; echo ${PWD##*/}; cd - > /dev/null; [ -d d ] && echo back; cd nowhere; echo $?", "d\nback\n2\n", 0},
		{"umask", "umask 027; umask; umask u=rwx,g=,o=; umask; : > f; umask -S", "0027\n0077\nu=rwx,g=,o=\n", 0},
		{"command -v", "f() { :; }; command -v f cd; command -v nonexistent-command; echo $?", "f\n127\n", 0},
		{"test forms", `[ ! -z a -a -n b ] && [ "(" = "(" ] && [ a != b -o "" ] && test ! "" && [ "!" ] && echo yes`, "yes\n", 0},
		{"printf", `printf '%s-%5d|%-4s|%b%%\n' a 7 b 'x\ty' c`, "a-    7|b   |x\ty%\nc-    0|    |%\n", 0},
		{"set prints quoted", `set -- 'a b'; x="it's"; set | grep ^x=`, "x='it'\"'\"'s'\n", 0},
		{"line continuation", "echo a \\\n b", "a b\n", 0},
		{"comment", "echo a # b\n#c\necho 'd#e' f#g", "a\nd#e f#g\n", 0},
		{"return at top level", "return 3; echo no", "", 3},
		{"exit in a pipeline", "echo a | { exit 3; }; echo $?", "3\n", 0},
		{"status of a here pipeline", "true | false | true; echo $?", "0\n", 0},
	} {
		t.Run(row.summary, func(t *testing.T) {
			if os.Getenv("KILN_TEST") == "real" {
				if out, status := hostDash(t, row.script); out != row.want || status != row.status {
					t.Fatalf("dash itself gives %q, %d", out, status)
				}
			}
			b := newBench(t)
			s := script(row.script)
			s.Dir = "/tmp"
			status, err := b.runner.Run(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if b.out.String() != row.want || status != row.status {
				t.Errorf("got %q, %d; want %q, %d", b.out.String(), status, row.want, row.status)
			}
		})
	}
}
