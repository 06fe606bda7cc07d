package toolbox

import (
	"kiln/internal/maint/accounttool"
	"kiln/internal/maint/command"
	"kiln/internal/maint/filetool"
	"kiln/internal/maint/hosttool"
	"kiln/internal/maint/pythontool"
	"kiln/internal/maint/sed"
	"kiln/internal/maint/texttool"
)

// ShellTools lists the commands that are no package manager's: those of coreutils,
// sed, grep, findutils, diffutils, debianutils, util-linux and the like.
func ShellTools() map[string]command.Func {
	return map[string]command.Func{
		"[": filetool.Test, "test": filetool.Test, "echo": texttool.Echo, "printf": texttool.Printf, "expr": texttool.Expr, "seq": texttool.Seq, "true": hosttool.True, "false": hosttool.False,

		"cat": texttool.Cat, "tac": texttool.Tac, "tee": texttool.Tee, "wc": texttool.Wc, "head": texttool.Head, "tail": texttool.Tail, "cut": texttool.Cut, "paste": texttool.Paste, "fold": texttool.Fold,
		"tr": texttool.Tr, "sort": texttool.Sort, "uniq": texttool.Uniq, "comm": texttool.Comm, "base64": texttool.Base64, "iconv": texttool.Iconv,
		"md5sum": texttool.Checksum, "sha1sum": texttool.Checksum, "sha224sum": texttool.Checksum, "sha256sum": texttool.Checksum, "sha384sum": texttool.Checksum, "sha512sum": texttool.Checksum,
		"sed": sed.Sed, "grep": texttool.Grep, "egrep": texttool.Grep, "fgrep": texttool.Grep, "awk": texttool.Awk, "mawk": texttool.Awk, "cmp": texttool.Cmp, "diff": texttool.Diff,
		"gzip": texttool.Gzip, "gunzip": texttool.Gzip, "zcat": texttool.Gzip,

		"cp": filetool.Cp, "mv": filetool.Mv, "rm": filetool.Rm, "unlink": filetool.Unlink, "mkdir": filetool.Mkdir, "rmdir": filetool.Rmdir, "ln": filetool.Ln, "touch": filetool.Touch,
		"mkfifo": filetool.Mkfifo, "mknod": filetool.Mknod, "chmod": filetool.Chmod, "chown": filetool.Chown, "chgrp": filetool.Chown, "install": filetool.Install,
		"mktemp": filetool.Mktemp, "tempfile": filetool.Tempfile, "stat": filetool.Stat, "ls": filetool.Ls, "readlink": filetool.Readlink, "realpath": filetool.Realpath,
		"basename": filetool.Basename, "dirname": filetool.Dirname, "find": filetool.Find, "setcap": filetool.Setcap, "getcap": filetool.Getcap,

		"xargs": hosttool.Xargs, "env": hosttool.Env, "nice": hosttool.Wrapper, "ionice": hosttool.Wrapper, "nohup": hosttool.Wrapper, "setsid": hosttool.Wrapper, "stdbuf": hosttool.Wrapper,
		"timeout": hosttool.Wrapper, "which": hosttool.Which, "run-parts": hosttool.RunParts,

		"date": filetool.Date, "id": hosttool.ID, "whoami": hosttool.Whoami, "groups": hosttool.Groups, "uname": hosttool.Uname, "arch": hosttool.Arch, "hostname": hosttool.Hostname, "nproc": hosttool.Nproc, "mountpoint": hosttool.Mountpoint,
		"ischroot": hosttool.Ischroot, "getent": accounttool.Getent,

		"sleep": hosttool.Nothing, "sync": hosttool.Nothing, "clear": hosttool.Nothing, "tput": hosttool.Nothing, "logger": hosttool.Logger,
		"kill": hosttool.Kill, "pidof": hosttool.False, "pgrep": hosttool.False, "tty": hosttool.False, "chattr": hosttool.Nothing,
		"chroot": hosttool.OfTheHost, "mount": hosttool.OfTheHost, "umount": hosttool.OfTheHost, "du": hosttool.OfTheHost,

		"df": hosttool.Df, "ss": hosttool.Ss, "lsmod": hosttool.True, "systemd-sysctl": hosttool.Nothing, "findmnt": hosttool.False, "killall": hosttool.Kill, "getopt": hosttool.Getopt, "locale": hosttool.Locale, "python3": pythontool.Python, "python3.13": pythontool.Python, "runuser": hosttool.Runuser, "setpriv": hosttool.Setpriv, "su": hosttool.Su,
	}
}
