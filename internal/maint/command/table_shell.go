package command

// ShellTools lists the commands that are no package manager's: those of coreutils,
// sed, grep, findutils, diffutils, debianutils, util-linux and the like.
func ShellTools() map[string]Func {
	return map[string]Func{
		"[": Test, "test": Test, "echo": Echo, "printf": Printf, "expr": Expr, "seq": Seq, "true": True, "false": False,

		"cat": Cat, "tac": Tac, "tee": Tee, "wc": Wc, "head": Head, "tail": Tail, "cut": Cut, "paste": Paste, "fold": Fold,
		"tr": Tr, "sort": Sort, "uniq": Uniq, "comm": Comm, "base64": Base64, "iconv": Iconv,
		"md5sum": Checksum, "sha1sum": Checksum, "sha224sum": Checksum, "sha256sum": Checksum, "sha384sum": Checksum, "sha512sum": Checksum,
		"sed": Sed, "grep": Grep, "egrep": Grep, "fgrep": Grep, "awk": Awk, "mawk": Awk, "cmp": Cmp, "diff": Diff,
		"gzip": Gzip, "gunzip": Gzip, "zcat": Gzip,

		"cp": Cp, "mv": Mv, "rm": Rm, "unlink": Unlink, "mkdir": Mkdir, "rmdir": Rmdir, "ln": Ln, "touch": Touch,
		"mkfifo": Mkfifo, "mknod": Mknod, "chmod": Chmod, "chown": Chown, "chgrp": Chown, "install": Install,
		"mktemp": Mktemp, "tempfile": Tempfile, "stat": Stat, "ls": Ls, "readlink": Readlink, "realpath": Realpath,
		"basename": Basename, "dirname": Dirname, "find": Find, "setcap": Setcap, "getcap": Getcap,

		"xargs": Xargs, "env": Env, "nice": Wrapper, "ionice": Wrapper, "nohup": Wrapper, "setsid": Wrapper, "stdbuf": Wrapper,
		"timeout": Wrapper, "which": Which, "run-parts": RunParts,

		"date": Date, "id": ID, "whoami": Whoami, "groups": Groups, "uname": Uname, "arch": Arch, "hostname": Hostname, "nproc": Nproc,
		"ischroot": Ischroot, "getent": Getent,

		"stty": Stty, "flock": Flock, "dd": Dd, "sleep": True, "sync": True, "clear": True, "tput": True, "logger": Logger,
		"kill": Kill, "pidof": False, "pgrep": False, "mountpoint": Mountpoint, "tty": False, "chattr": True,
		"chroot": OfTheHost, "mount": OfTheHost, "umount": OfTheHost, "du": OfTheHost,

		"df": Df, "ss": Ss, "lsmod": True, "systemd-sysctl": True, "findmnt": False, "killall": False, "getopt": Getopt, "locale": Locale, "python3": Python, "python3.13": Python, "runuser": Runuser, "setpriv": Setpriv, "su": Su,
	}
}
