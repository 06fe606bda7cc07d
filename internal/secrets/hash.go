package secrets

import (
	"bytes"
	"strings"
)

// hashRules are hashes that stand for a password: whoever has them can try words.
func hashRules() []Rule {
	return []Rule{
		{
			Name: "password-hash", What: "the hash of a password: crypt(5), htpasswd, LDAP, GRUB, PostgreSQL, Django",
			anchors: []string{"$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$gy$", "$apr1$", "$sha1$", "$argon2", "{ssha", "{smd5}", "{sha}", "pbkdf2", "scram-sha-256$", "$md5"},
			match:   passwordHash, open: 3,
		},
		{Name: "shadow-password", What: "a password's hash in shadow, gshadow, passwd or htpasswd, of any form", file: shadow, open: 3},
	}
}

// hashForms are those of crypt(5), and of programs that have their own. Salt and
// hash must be there in full length, which leaves out examples in documentation.
var hashForms = []form{
	newForm(`^\$(?:1|apr1)\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22}`),
	newForm(`^\$2[aby]\$[0-9]{2}\$[./0-9A-Za-z]{53}`),
	newForm(`^\$5\$(?:rounds=[0-9]+\$)?[^$:\s]{1,16}\$[./0-9A-Za-z]{43}`),
	newForm(`^\$6\$(?:rounds=[0-9]+\$)?[^$:\s]{1,16}\$[./0-9A-Za-z]{86}`),
	newForm(`^\$(?:y|gy|7)\$[./0-9A-Za-z]{1,20}\$?[./0-9A-Za-z]{1,86}\$[./0-9A-Za-z]{43}`),
	newForm(`^\$sha1\$[0-9]+\$[./0-9A-Za-z]{1,64}\$[./0-9A-Za-z]{28}`),
	newForm(`^\$md5[,$][^:\s]{1,60}\$[./0-9A-Za-z]{22}`),
	newForm(`^\$argon2(?:i|d|id)\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}`),
	newForm(`^(?i:\{ssha(?:256|384|512)?\}|\{smd5\})[A-Za-z0-9+/]{24,}={0,2}`),
	newForm(`^\{SHA\}[A-Za-z0-9+/]{27}=`),
	newForm(`^pbkdf2_sha(?:1|256|512)\$[0-9]+\$[A-Za-z0-9]{8,}\$[A-Za-z0-9+/]{27,}=*`),
	newForm(`^pbkdf2\.sha512\.[0-9]+\.[0-9A-F]{64,}\.[0-9A-F]{64,}`),
	newForm(`^SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]{12,}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}`),
}

func passwordHash(p *probe) (int, int, bool) {
	for _, f := range hashForms {
		from, to, ok := p.found(f, p.at, 600)
		if ok && entropy(p.text[from:to]) >= leastRandom && (!p.binary || isMade(p.text[from:to])) && !bytes.Contains(p.text[from:to], []byte("XXXX")) {
			return from, to, true
		}
	}
	return 0, 0, false
}

// shadowFiles have a password's hash in the second field.
var shadowFiles = []string{"shadow", "gshadow", "passwd", "group", "master.passwd"}

// shadow finds what password files have as a hash, DES and all: anything but what no
// password gives (shadow(5): "*", "!", "x").
func shadow(name string, text []byte, _ bool, found func(from, to int)) {
	base := strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(name, ".bak"), ".org"), "-")
	isShadow := false
	for _, f := range shadowFiles {
		isShadow = isShadow || base == f
	}
	if !isShadow && !strings.HasSuffix(base, "htpasswd") {
		return
	}
	at := 0
	for line := range bytes.Lines(text) {
		start := at
		at += len(line)
		user, rest, ok := bytes.Cut(bytes.TrimRight(line, "\n"), []byte{':'})
		if !ok || len(user) == 0 || user[0] == '#' {
			continue
		}
		hash, _, more := bytes.Cut(rest, []byte{':'})
		locked := len(hash) - len(bytes.TrimLeft(hash, "!"))
		hash = hash[locked:]
		from := start + len(user) + 1 + locked
		if isShadow && !more || len(hash) < 13 || !cryptSet.all(hash) || entropy(hash) < 2.5 {
			continue
		}
		found(from, from+len(hash))
	}
}

// all reports whether b is of the set.
func (m *set) all(b []byte) bool { return m.run(b, 0, len(b)) == len(b) }
