package shell_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/maint/shell"
)

// Whatever a hostile script tries, it sees and changes the tree only.
func TestNoWayOut(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("host secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	victim := filepath.Join(t.TempDir(), "victim")
	t.Setenv("KILN_HOSTILE", "host secret")
	for _, script := range []string{
		"cat SECRET", "cat ../../../../../../..SECRET", "cat < SECRET", ". SECRET", "read x < SECRET; echo $x", "echo /tmp/*/*", "echo $(cat SECRET)",
		"ln -s SECRET /l; cat /l", "ln -s / /r; cat /r/SECRET", "cd /; cd ../../..; cat .SECRET; pwd", "ln -s ../../../../../.. /u; ls /u/tmp; cat /uSECRET",
		"cat /proc/self/environ; cat /proc/1/environ; ls /proc; cat /proc/self/cwd/x; cat /proc/self/root/etc/hostname", "ls /proc/self/fd; cat /dev/fd/3; cat <&3",
		"cat /dev/tcp/localhost/80; exec 3<>/dev/tcp/localhost/80; cat <&3", "echo x > VICTIM", "cp SECRET /x; cat /x", "ln SECRET /x; cat /x", "mv SECRET /x; cat /x",
		"find / -name secret; find /tmp -type f", "grep -r secret /tmp /proc", "sed -n p SECRET; sed 's/a/b/w VICTIM' /dev/null; sed -i p SECRET", "env; echo $KILN_HOSTILE; set; export -p",
		"command cat SECRET; command -v cat; type cat; which cat sh", "exec cat SECRET", "sh -c 'cat SECRET; echo x > VICTIM'", "cat SECRET & wait", "(cat SECRET) | cat",
		"eval 'cat SECRET'", "trap 'cat SECRET' EXIT", "env cat SECRET", "echo SECRET | xargs cat", "find / -maxdepth 0 -exec cat SECRET \\;", "test -e SECRET && echo host secret",
		"[ -r SECRET ] && echo host secret", "for f in SECRET*; do [ -e $f ] && echo host secret; done", "cd $(dirname SECRET) && ls", "install -m 644 SECRET /x; cat /x", "tee VICTIM < SECRET",
		"sort -o VICTIM SECRET; sort SECRET", "awk '{print}' SECRET", "dd if=SECRET", "echo ~root ~nobody", "md5sum SECRET", "base64 SECRET", "tail -c 100 SECRET", "readlink -f SECRET && cat $(readlink -f SECRET)",
		"exec 9>VICTIM; echo x >&9", "cat <<E\n$(cat SECRET)\nE", "x=SECRET; cat \"$x\"", "umask 0; mkdir -p $(dirname VICTIM); echo x > VICTIM; ls $(dirname VICTIM)",
		"#!/bin/bash\ncat <(cat SECRET)", "#!/bin/bash\nmapfile x < SECRET; echo ${x[@]}", "#!/bin/bash\nx=$(<SECRET); echo $x", "#!/bin/bash\ncoproc cat SECRET", "#!/bin/bash\nexec {fd}<SECRET; cat <&$fd",
		"awk 'BEGIN { while ((getline l < \"SECRET\") > 0) print l }'", "awk 'BEGIN { system(\"cat SECRET\") }'", "awk 'BEGIN { \"cat SECRET\" | getline l; print l }'", "awk 'BEGIN { print \"x\" > \"VICTIM\" }'", "awk 'BEGIN { print ENVIRON[\"KILN_HOSTILE\"] }'",
		"awk '{ print }' /proc/self/root/SECRET ../../../../..SECRET", "awk -f SECRET", "awk 'BEGIN { ARGV[ARGC++] = \"SECRET\" } { print }'", "awk 1 FS=x SECRET", "awk 'BEGIN { print \"cat SECRET\" | \"sh\" }'",
		"awk 'BEGIN { getline < \"/dev/fd/3\"; print; getline < \"/proc/self/environ\"; print }'", "awk 'BEGIN { print \"x\" >> \"../../../../../../..VICTIM\"; close(\"VICTIM\") }'", "ln -s SECRET /l; awk 1 /l",
		"printf '#!/bin/sh\\ncat SECRET\\n' > /x; chmod +x /x; /x", "printf '#!/usr/bin/perl\\nprint 1\\n' > /usr/bin/cat2; chmod +x /usr/bin/cat2; cat2", "kill -9 1; kill -9 $$; kill -9 -1", "cp -a / /tmp/copy; cat /tmp/copySECRET",
		"tar c SECRET", "mount --bind / /x", "chroot / cat SECRET", "perl -e 'print `cat SECRET`'", "python3 -c 'print(open(\"SECRET\").read())'", "logger SECRET", "run-parts $(dirname SECRET)",
	} {
		text := strings.NewReplacer("SECRET", secret, "VICTIM", victim).Replace(script)
		b := newBench(t)
		b.write("/usr/bin/perl", "\x7fELF", 0o755)
		b.runner.Limits = shell.Limits{Steps: 10_000}
		_, err := b.run(text)
		if out := b.out.String() + b.errs.String(); strings.Contains(out, "host secret") {
			t.Errorf("%s\nshowed what is outside: %s", script, out)
		}
		if err != nil && kiln.CodeOf(err) == kiln.Bug {
			t.Errorf("%s: %v", script, err)
		}
	}
	if _, err := os.Stat(victim); !errors.Is(err, os.ErrNotExist) {
		t.Error("a script wrote outside")
	}
	if got, err := os.ReadFile(secret); err != nil || string(got) != "host secret" {
		t.Errorf("a script changed what is outside: %q, %v", got, err)
	}
}

func TestLimits(t *testing.T) {
	for _, row := range []struct{ summary, script, want string }{
		{"endless loop", "while :; do :; done", "more than 100000 steps"},
		{"endless loop of builtins", "while true; do x=1; done", "more than 100000 steps"},
		{"endless loop in a condition", "until false; do :; done", "more than 100000 steps"},
		{"endless loop in a pipeline", "while :; do :; done | cat", "more than 100000 steps"},
		{"endless loop in a trap", "trap 'while :; do :; done' EXIT", "more than 100000 steps"},
		{"endless loop in the background", "while :; do :; done & wait", "more than 100000 steps"},
		{"endless eval", "x='eval $x'; eval $x", "calls itself, or nests, more than 200 times"},
		{"recursion", "f() { f; }; f", "calls itself, or nests, more than 200 times"},
		{"recursion in substitutions", "f() { echo $(f); }; f", "calls itself, or nests, more than 200 times"},
		{"fork bomb", "b() { b | b & }; b", "calls itself, or nests, more than 200 times"},
		{"script that calls itself", "printf '#!/bin/sh\\n\"$0\"\\n' > /x; chmod +x /x; /x", "calls itself, or nests, more than 200 times"},
		{"script that reads itself", "echo '. /x' > /x; . /x", "calls itself, or nests, more than 200 times"},
		{"doubling variable", "x=x; while :; do x=$x$x; done", "bytes in variables, arguments or pipes"},
		{"many variables", "i=0; y=$(printf %060000d 0); while :; do i=$((i+1)); eval x$i=$y; done", "bytes in variables, arguments or pipes"},
		{"doubling arguments", "set -- a; while :; do set -- \"$@\" \"$@\"; done", "bytes in variables, arguments or pipes"},
		{"doubling replacement", "#!/bin/bash\nx=xxxxxxxxxxxxxxxx; while :; do x=${x//x/$x}; done", "bytes in variables, arguments or pipes"},
		{"long substitution", "x=$(while :; do printf %0999d 1; done)", "bytes in variables, arguments or pipes"},
		{"printing", "while :; do printf %09999d 1; done", "printed more than 1048576 bytes"},
		{"writing", "while :; do printf %060000d 1 >> /x; done", "have written more than"},
		{"growing file", "echo x > /x; while :; do cat /x /x > /y; cat /y > /x; done", "have written more than"},
		{"sed that does not end", "echo | sed ':a;ba'", "does not end"},
		{"sed that grows", "echo xxxx | sed ':a;s/.*/&&/;ta'", "does not end"},
		{"awk that does not end", "awk 'BEGIN { while (1); }'", "needs more than 100000000 steps"},
		{"awk that grows", "awk 'BEGIN { x = \"x\"; while (1) x = x x }'", "needs more than 67108864 bytes of memory"},
		{"awk that replaces", "awk 'BEGIN { x = sprintf(\"%1000000d\", 1); gsub(/./, x, x) }'", "needs more than 67108864 bytes of memory"},
		{"awk's elements", "awk 'BEGIN { while (1) a[n++] }'", "needs more than 67108864 bytes of memory"},
		{"awk's fields", "awk 'BEGIN { NF = 1000000000 }'", "needs more than 67108864 bytes of memory"},
		{"awk's width", "awk 'BEGIN { printf \"%2000000000d\", 1 }'", "needs more than 67108864 bytes of memory"},
		{"awk that calls itself", "awk 'function f() { return f() } BEGIN { f() }'", "needs more than 20000 levels of calls"},
		{"awk that prints", "awk 'BEGIN { while (1) printf \"%9999d\", 1 }'", "printed more than 1048576 bytes"},
		{"awk that prints to a pipe", "awk 'BEGIN { while (1) print sprintf(\"%9999d\", 1) > \"/dev/null\" }'", "needs more than 268435456 bytes of output"},
		{"awk that writes", "awk 'BEGIN { while (1) print sprintf(\"%9999d\", 1) > \"/x\" }'", "have written more than"},
		{"awk that runs others", "awk 'BEGIN { system(\"true\") }' || true; echo on", "an awk program that uses system() is not supported"},
		{"awk with a pipe", "awk 'BEGIN { print 1 | \"cat\" }' || true; echo on", "an awk program that uses a pipe is not supported"},
		{"awk's chance", "awk 'BEGIN { print rand() }' || true; echo on", "an awk program that uses rand() is not supported"},
		{"awk's clock", "awk 'BEGIN { print systime() }' || true; echo on", "an awk program that uses systime() is not supported"},
		{"awk with randomness", "awk 'BEGIN { getline x < \"/dev/urandom\" }' || true; echo on", "what is random cannot be part"},
		{"awk over randomness", "awk 1 /dev/urandom || true; echo on", "what is random cannot be part"},
		{"randomness", "head -c 8 /dev/urandom", "what is random cannot be part"},
		{"randomness in spite of or", "head -c 8 /dev/urandom || true; echo on", "what is random cannot be part"},
		{"randomness of bash", "#!/bin/bash\necho $RANDOM", "what is random cannot be part"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := newBench(t)
			b.fs.Limit(1 << 20)
			b.runner.Limits = shell.Limits{Steps: 100_000, Memory: 1 << 20, Output: 1 << 20}
			_, err := b.run(row.script)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("error %v, want %q", err, row.want)
			}
			if !strings.HasPrefix(err.Error(), "cannot honour pkg's postinst") {
				t.Errorf("the error does not name the script: %v", err)
			}
			if len(kiln.HintsOf(err)) == 0 {
				t.Error("no hint")
			}
		})
	}
}

func TestTimeIsLimitedByContext(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.runner.Run(ctx, script("echo x > /x")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := b.fs.Stat("/x"); err == nil {
		t.Error("it ran")
	}
	ctx, cancel = context.WithTimeout(context.Background(), 1)
	defer cancel()
	<-ctx.Done()
	if _, err := b.runner.Run(ctx, script("awk 'BEGIN { while (1) x++ }'")); err == nil || !strings.Contains(err.Error(), "longer than it may") {
		t.Errorf("error %v", err)
	}
}
