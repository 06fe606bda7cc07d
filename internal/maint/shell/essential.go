package shell

import (
	"slices"
	"strings"
)

// essential reports whether a command is of a package that Debian says is always
// there (Essential: yes), so that a script may call it although the image does
// not hold it.
func essential(name string) bool {
	return slices.Contains(strings.Fields(essentialCommands), name)
}

// essentialCommands lists what trixie's Essential packages have that scripts use.
const essentialCommands = `
[ arch b2sum base32 base64 basename cat chcon chgrp chmod chown chroot cksum comm cp csplit cut date dd df dir dirname du
echo env expand expr factor false fmt fold groups head hostid id install join link ln logname ls md5sum mkdir mkfifo mknod
mktemp mv nice nl nohup nproc numfmt od paste pathchk pr printenv printf ptx pwd readlink realpath rm rmdir seq sha1sum
sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort split stat stdbuf stty sum sync tac tail tee test timeout
touch tr true truncate tsort tty uname unexpand uniq unlink users vdir wc who whoami yes
sed grep egrep fgrep find xargs awk mawk cmp diff diff3 sdiff gzip gunzip zcat tar hostname
sh dash bash ldconfig getent iconv
dpkg dpkg-deb dpkg-divert dpkg-maintscript-helper dpkg-query dpkg-realpath dpkg-split dpkg-statoverride dpkg-trigger
update-alternatives start-stop-daemon
add-shell remove-shell update-shells installkernel ischroot run-parts savelog tempfile which
deb-systemd-helper deb-systemd-invoke invoke-rc.d service update-rc.d
addpart chrt dmesg fallocate findmnt flock getopt ionice ipcs last logger lsblk mcookie mesg more mount mountpoint
namei nsenter prlimit rename.ul renice rev script setarch setpriv setsid setterm su swapon swapoff taskset umount unshare
whereis clear infocmp reset tic tput tset pidof killall5 fstab-decode update-passwd faillog login newgrp perl
`
