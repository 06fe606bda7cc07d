package command

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// StartStopDaemon is start-stop-daemon(8): nothing runs in an image, so that there
// is nothing to stop; what would be started is noted.
func StartStopDaemon(_ context.Context, c *Call) (int, error) {
	o, err := parseLeading(c, "start,S stop,K status,T name,n= pidfile,p= exec,x= startas,a= user,u= group,g= chuid,c= signal,s= retry,R= oknodo,o quiet,q verbose,v test,t background,b make-pidfile,m remove-pidfile chdir,d= nicelevel,N= umask,k= no-close,C notify-await output,O=")
	if err != nil {
		return 3, err
	}
	switch {
	case o.has("status"):
		return 3, nil // is not running
	case o.has("stop") && o.has("oknodo"):
		return 0, nil
	case o.has("stop"):
		return 1, nil
	case o.has("start") && !o.has("test"):
		note(c, "start", o.value("exec", o.value("startas", o.value("name", ""))))
		return 0, nil
	case o.has("start"):
		return 0, nil
	}
	return 3, unhonoured(c, "it is neither to start nor to stop anything")
}

// Smartctl is smartctl(8) for whether it is there, and for the check of the list of
// drives that its package ships, which is not done.
func Smartctl(_ context.Context, c *Call) (int, error) {
	if slices.Equal(c.Args, []string{"-V"}) {
		return 0, nil
	}
	if len(c.Args) == 4 && c.Args[0] == "-B" && isFile(c.FS, c.path(c.Args[1])) && c.Args[2] == "-P" && c.Args[3] == "showall" {
		return 0, nil
	}
	return 1, unhonoured(c, "it looks at disks, and there are none")
}

// Stty is stty(1) where standard input is no terminal, as it never is here.
func Stty(_ context.Context, c *Call) (int, error) {
	if len(c.Args) != 1 || c.Args[0] != "size" {
		return 1, unhonoured(c, "there is no terminal to change")
	}
	return complain(c, 1, "'standard input': Inappropriate ioctl for device")
}

// AptGet is apt-get(8) for its list of index files, where the tree has no source of
// packages yet.
func AptGet(_ context.Context, c *Call) (int, error) {
	if len(c.Args) == 0 || c.Args[0] != "indextargets" {
		return 1, unhonoured(c, "packages come from the lock")
	}
	text, err := readIfThere(c.FS, "/etc/apt/sources.list")
	if err != nil {
		return 1, err
	}
	if len(text) > 0 || len(c.FS.Glob("/etc/apt/sources.list.d/*")) > 0 {
		return 1, unhonoured(c, "the tree has sources of packages")
	}
	return 0, nil
}

// Mountpoint is mountpoint(1): what dpkg's scripts find mounted is what the kernel
// offers.
func Mountpoint(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "quiet,q")
	if err != nil {
		return 1, err
	}
	if len(o.rest) != 1 {
		return complain(c, 1, "bad usage")
	}
	mounted := slices.Contains([]string{"/", "/proc", "/sys", "/dev"}, absolute(c, o.rest[0]))
	if !o.has("quiet") {
		say(c, "%s is %s mountpoint", o.rest[0], map[bool]string{true: "a", false: "not a"}[mounted])
	}
	if !mounted {
		return 32, nil
	}
	return 0, nil
}

// ApacheCheck is apache2(8) with -t, by which scripts check the configuration before
// a reload. It is not checked here.
func ApacheCheck(_ context.Context, c *Call) (int, error) {
	if len(c.Args) != 1 || c.Args[0] != "-t" {
		return 1, unhonoured(c, "only the check of the configuration is known")
	}
	_, _ = c.Stderr.Write([]byte("Syntax OK\n"))
	return 0, nil
}

// UpdateInetd is update-inetd(8) where there is no /etc/inetd.conf, and so nothing
// to disable or remove.
func UpdateInetd(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "add enable disable remove multi verbose file= group= comment-chars= pattern=")
	if err != nil {
		return 1, err
	}
	if o.has("add") || o.has("enable") || o.has("file") || exists(c.FS, "/etc/inetd.conf") {
		return 1, unhonoured(c, "kiln does not edit /etc/inetd.conf")
	}
	return 0, nil
}

// Flock is flock(1): nobody else is there to hold a lock. Of a descriptor, there is
// nothing to do; of a file, its command runs.
func Flock(ctx context.Context, c *Call) (int, error) {
	o, err := parseLeading(c, "shared,s exclusive,x,e unlock,u nonblock,nb,n timeout,wait,w= close,o conflict-exit-code,E=")
	if err != nil {
		return 64, err
	}
	switch {
	case len(o.rest) == 1:
		if _, err := strconv.Atoi(o.rest[0]); err != nil {
			return complain(c, 64, "bad file descriptor: '%s'", o.rest[0])
		}
		return 0, nil
	case len(o.rest) < 2 || strings.HasPrefix(o.rest[1], "-"):
		return 64, unhonoured(c, "only a descriptor, or a file and a command, are known")
	}
	lock, err := c.create(o.rest[0], true) // the file is made if it is not there
	if err != nil {
		return complain(c, 66, "cannot open lock file %s: %s", o.rest[0], errorText(err))
	}
	lock.Close()
	return c.Exec(ctx, o.rest[1:], c.Stdin, c.Stdout, c.Stderr)
}
