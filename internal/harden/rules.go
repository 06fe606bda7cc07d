package harden

import "strings"

const (
	noSetuid     = "no-setuid"
	readOnlyRoot = "read-only-root"
)

func cis(pairs ...string) []Item  { return items(CIS, pairs) }
func stig(pairs ...string) []Item { return items(STIG, pairs) }

func items(benchmark string, pairs []string) []Item {
	var list []Item
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, Item{benchmark, pairs[i], pairs[i+1]})
	}
	return list
}

// Rules lists all rules, in the order in which they are told.
func Rules() []Rule {
	list := append(droppingRules(), accountRules()...)
	return append(list, settingRules()...)
}

// droppingRules leave out, or take bits off, what packages and scripts bring.
func droppingRules() []Rule {
	return []Rule{
		{
			Name: noSetuid, Why: "a program that runs with more rights than its caller is how callers come by them",
			Does:   "takes the setuid and setgid bits off every file; folders keep theirs. File capabilities stay.",
			Except: "paths", Answers: cis("7.1.13", "Ensure SUID and SGID files are reviewed"),
			Notes: "su, sudo, passwd, mount and the like work for root alone from then on.",
		},
		{
			Name: "no-shells", Why: "whoever breaks into a service finds no shell to go on with",
			Does:   "leaves out every shell that Debian packages, busybox among them, and /etc/shells.",
			Except: "paths", Drop: shells(),
			Notes: "scripts of packages cannot run: the check of what files need tells of each, and stops the build where something that the image starts is one.",
		},
		{
			Name: "no-package-manager", Why: "a fix is a new image, not a change to a running one",
			Does:   "leaves out dpkg, apt and aptitude with their libraries, configuration, lists, timers and jobs. The list of packages in /var/lib/dpkg stays, for scanners.",
			Except: "paths", Drop: packageManagers(), Keep: []string{"/usr/lib/dpkg/methods"},
			Notes: "start-stop-daemon, which dpkg brings and init scripts call, stays.",
		},
		{
			Name: "no-docs", Why: "nobody reads documentation where a service runs",
			Does:   "leaves out what the rules no-doc, no-man, no-info and no-lintian do, and cannot be turned off by them; the copyright files stay, as licences demand.",
			Except: "paths", links: true,
			Drop: []string{
				"/usr/share/doc/**", "/usr/share/doc-base/**", "/usr/share/gtk-doc/**", "/usr/share/man/**", "/usr/local/share/man/**", "/usr/share/info/**",
				"/usr/share/lintian/**", "/usr/share/bug/**", "/usr/share/help/**",
			},
			Keep: []string{"/usr/share/doc/*/copyright", "/usr/share/doc/*/copyright.*"},
		},
		{
			Name: readOnlyRoot, Why: "what cannot be written cannot be changed by an intruder, and is as it was built",
			Does: "a container: each folder under writable: becomes a volume, so that podman and docker run --read-only have it writable. " +
				"A system with systemd: /etc/fstab gets tmpfs for /tmp, /dev/shm and each of these folders.",
			Except: "none", apply: applyReadOnly,
			Sets: []string{"tmpfs /tmp tmpfs " + tmpOptions, "tmpfs /dev/shm tmpfs " + tmpOptions},
			Answers: cis("1.1.2.1.1", "Ensure /tmp is a separate partition", "1.1.2.1.2", "Ensure nodev option set on /tmp partition", "1.1.2.1.3", "Ensure nosuid option set on /tmp partition",
				"1.1.2.1.4", "Ensure noexec option set on /tmp partition", "1.1.2.2.1", "Ensure /dev/shm is a separate partition", "1.1.2.2.2", "Ensure nodev option set on /dev/shm partition",
				"1.1.2.2.3", "Ensure nosuid option set on /dev/shm partition", "1.1.2.2.4", "Ensure noexec option set on /dev/shm partition"),
			Notes: "That the root itself is read-only, the engine (--read-only) or the kernel's command line (ro) says: no file of an image can. What is in a tmpfs is gone at the next start.",
		},
	}
}

func shells() []string {
	names := "sh,bash,rbash,bashbug,dash,ash,busybox,zsh,zsh5,rzsh,ksh,ksh93,rksh,rksh93,mksh,lksh,mksh-static,pdksh,oksh,fish,tcsh,csh,bsd-csh,yash,posh,sash,elvish,nu,xonsh,bosh,pbosh,rc,es,mosh-server"
	list := []string{"/etc/shells", "/usr/lib/klibc/bin/sh", "/usr/lib/klibc/bin/sh.shared"}
	for _, dir := range []string{"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"} {
		list = append(list, dir+"{"+strings.TrimSuffix(names, ",mosh-server")+"}")
	}
	return list
}

func packageManagers() []string {
	return []string{
		"/usr/bin/{dpkg,dpkg-*,apt,apt-*,aptitude,aptitude-*,dselect,update-alternatives,unattended-upgrade,unattended-upgrades}", "/usr/sbin/{dpkg-*,apt-*}",
		"/usr/lib/{apt,dpkg}/**", "/usr/libexec/dpkg/**", "/usr/share/{apt,dpkg}/**", "/usr/lib/*/libapt-{pkg,private,inst}.so*",
		"/etc/{apt,dpkg}/**", "/var/lib/apt/**", "/var/cache/apt/**", "/var/log/apt/**",
		"/usr/lib/systemd/system/{apt-daily,dpkg-db-backup}*", "/etc/systemd/system/timers.target.wants/{apt-daily,dpkg-db-backup}*",
		"/etc/cron.daily/{apt,apt-compat,dpkg,aptitude}", "/etc/logrotate.d/{apt,dpkg,aptitude,alternatives}", "/etc/kernel/postinst.d/apt-auto-removal",
		"/usr/share/bash-completion/completions/{apt,apt-*,dpkg*}",
	}
}
