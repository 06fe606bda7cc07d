package secrets

import (
	"bytes"
	"path"
	"strings"
)

// documentRules are passwords in places of their own.
func documentRules() []Rule {
	return []Rule{
		{Name: "netrc", What: "a login of .netrc or apt's auth.conf", anchors: []string{"machine"}, match: netrc},
		{Name: "pgpass", What: "a password of PostgreSQL's .pgpass", file: pgpass},
		{Name: "secret-file", What: "a file that is a secret as a whole: .erlang.cookie, Rails' master.key, ppp's chap-secrets, .vault_pass, db-password.txt", file: secretFile},
		{Name: "mail-login", What: "a login of Postfix (sasl_passwd) or Exim (passwd.client)", file: mailLogin},
		{Name: "url-password", What: "an address with a password: scheme://user:password@host", anchors: []string{"://"}, match: urlPassword},
		{Name: "tsig-key", What: "a key of DNS servers: TSIG, rndc", anchors: []string{"secret"}, match: tsigKey},
		{Name: "npmrc-login", What: "a login of .npmrc", anchors: []string{"_authtoken", "_auth", ":_password"}, match: npmrc},
		{Name: "command-login", What: "a password among the arguments of curl, mysql, redis-cli, sshpass, or in what chpasswd reads", anchors: []string{
			"curl ", "sshpass -p", "mysql ", "mysqldump ", "mysqladmin ", "redis-cli ", "convertto-securestring", "jwt.sign(", "jwt.encode(", "<auth-user-pass>",
		}, match: commandLogin},
		{Name: "command-login", What: "a password that chpasswd reads", anchors: []string{"chpasswd"}, match: chpasswd},
		{Name: "terraform-password", What: "a random password in Terraform's state", anchors: []string{`random_password"`}, match: terraformPassword},
		{Name: "ipsec-secret", What: "a secret of IPsec: PSK, EAP, XAUTH", anchors: []string{"psk \"", "eap \"", "xauth \""}, match: ipsecSecret},
		{Name: "bundler-login", What: "a login of Bundler's configuration", anchors: []string{"bundle_"}, match: bundler},
		{Name: "wordpress-key", What: "a key or salt of WordPress", anchors: []string{"auth_key", "logged_in_key", "nonce_key", "auth_salt", "logged_in_salt", "nonce_salt"}, match: wordpress},
		{Name: "gossip-key", What: "a key of Consul, Nomad or Serf", anchors: []string{"encrypt"}, match: gossipKey},
		{Name: "config-password", What: "a password of ldap.conf, slapd.conf, sssd.conf, redis.conf, snmpd.conf, interfaces(5), msmtprc or fetchmailrc", anchors: []string{"rocommunity", "rwcommunity", "password ", "bindpw", "rootpw", "ldap_default_authtok", "requirepass", "masterauth", "wpa-psk", "wpa-passphrase"}, match: configPassword},
	}
}

var netrcForm = newForm(`^(?:machine\s+\S{1,200}|default)(?:\s+(?:login|account)\s+\S{1,200}){0,2}\s+password\s+("[^"\n]+"|\S+)`)

// netrc finds "machine HOST login USER password WORD" (netrc(5), apt_auth.conf(5)).
func netrc(p *probe) (int, int, bool) {
	if !p.is("machine") || !p.starts(p.at) {
		return 0, 0, false
	}
	from, to, ok := p.found(netrcForm, p.at, 800)
	if !ok {
		return 0, 0, false
	}
	value := bytes.Trim(p.text[from:to], `"`)
	named := strings.Contains(p.name, "netrc") || strings.HasPrefix(p.name, "auth.conf") || strings.HasSuffix(p.name, ".conf")
	return from, to, len(value) >= 3 && !isPlaceholder(value) && (named || !isWords(value))
}

// pgpass finds the fifth field of host:port:database:user:password, in which
// a backslash keeps the meaning of a colon (libpq, The Password File).
func pgpass(name string, text []byte, _ bool, found func(from, to int)) {
	if !strings.HasSuffix(name, "pgpass") && name != "pgpass.conf" {
		return
	}
	at := 0
	for line := range bytes.Lines(text) {
		start := at
		at += len(line)
		colons := 0
		for i := 0; i < len(line) && line[0] != '#'; i++ {
			if line[i] == '\\' {
				i++
			} else if line[i] == ':' {
				colons++
			}
			if colons == 4 {
				value := bytes.TrimRight(line[i+1:], "\r\n")
				if len(value) >= 3 && !isPlaceholder(value) {
					found(start+i+1, start+i+1+len(value))
				}
				break
			}
		}
	}
}

// secretFile finds what some programs keep in files of their own.
func secretFile(name string, text []byte, _ bool, found func(from, to int)) {
	word := bytes.TrimSpace(text)
	switch {
	case name == ".erlang.cookie" && len(word) >= 8 && alphanumeric.all(word), strings.HasSuffix(name, ".key") && (len(word) == 32 || len(word) == 64) && hexSet.all(word), isPasswordFile(name, word):
		if entropy(word) >= 2.5 {
			found(bytes.Index(text, word), bytes.Index(text, word)+len(word))
		}
	case name == "chap-secrets" || name == "pap-secrets":
		at := 0
		for line := range bytes.Lines(text) {
			fields := bytes.Fields(line)
			if len(fields) >= 3 && line[0] != '#' && len(fields[2]) >= 4 && fields[2][0] != '@' && !isPlaceholder(bytes.Trim(fields[2], `"`)) {
				i := at + bytes.LastIndex(line, fields[2])
				found(i, i+len(fields[2]))
			}
			at += len(line)
		}
	}
}

// isPasswordFile reports whether a file that is called after a password or token holds
// one word that can be one: as Docker, Kubernetes and Ansible take them.
func isPasswordFile(name string, word []byte) bool {
	name = strings.TrimSuffix(name, path.Ext(name[min(1, len(name)):]))
	name = strings.NewReplacer("-", "_", ".", "_").Replace(name)
	named := strings.HasSuffix(name, "_vault_pass")
	for _, w := range []string{"password", "passphrase", "_secret", "_token", "api_key", "apikey", "_passwd", "_pass"} {
		named = named || strings.HasSuffix("_"+name, w)
	}
	lower, upper, digit, _ := classes(word)
	return named && len(word) >= 8 && len(word) <= 200 && visible.all(word) && digit > 0 && lower+upper > 0 && !isPlaceholder(word) && !bytes.ContainsAny(word, "/=:<>(){}[]")
}

// mailLogin finds the last field of "HOST USER:PASSWORD" and "HOST:USER:PASSWORD".
func mailLogin(name string, text []byte, _ bool, found func(from, to int)) {
	if name != "sasl_passwd" && name != "passwd.client" {
		return
	}
	at := 0
	for line := range bytes.Lines(text) {
		word := bytes.TrimRight(line, " \t\r\n")
		i := bytes.LastIndexByte(word, ':') + 1
		if value := word[i:]; i > 0 && line[0] != '#' && len(value) >= 4 && !bytes.ContainsAny(value, " \t") && !isPlaceholder(value) && !digitSet.all(value) {
			found(at+i, at+len(word))
		}
		at += len(line)
	}
}

var (
	schemeSet    = setOf("A-Za-z0-9+.-")
	authorityEnd = setOf(" \t\r\n/?#\"'<>`\\()[]{}|,\x00")
)

// urlPassword finds the password in the authority of a URI (RFC 3986, section 3.2.1).
func urlPassword(p *probe) (int, int, bool) {
	if p.at == 0 || !schemeSet[p.text[p.at-1]] {
		return 0, 0, false
	}
	colon, host := -1, -1
	for i := p.end; i < len(p.text) && i < p.end+300; i++ {
		c := p.text[i]
		switch {
		case c == ':' && colon < 0:
			colon = i
		case c == '@' && colon >= 0:
			host = i
		case authorityEnd[c], c < ' ', c > '~':
			i = len(p.text)
		}
	}
	if colon < 0 || host < 0 || host+1 >= len(p.text) || !alphanumeric[p.text[host+1]] && p.text[host+1] != '[' {
		return 0, 0, false
	}
	if colon == p.end && bytes.IndexByte(p.text[colon+1:host], ':') >= 0 {
		return 0, 0, false // ":pserver:user@host" of CVS
	}
	user, value := p.text[p.end:colon], p.text[colon+1:host]
	return colon + 1, host, len(value) >= 3 && !isPlaceholder(value) && !(len(user) > 1 && isReference(user)) && !isHint(value) && !isExampleHost(p.text[host+1:])
}

// hints are what stands for a password in explanations.
var hints = map[string]bool{
	"pass": true, "passwd": true, "password": true, "passw": true, "pwd": true, "pw": true, "secret": true, "mypass": true, "mypassword": true, "user": true, "test": true,
	"userpass": true, "port": true, "host": true, "token": true, "guest": true, "postgres": true, "pass123": true, "p4ss": true, "foo": true, "bar": true, "baz": true, "abc": true, "auth": true, "key": true,
}

func isHint(v []byte) bool { return hints[strings.ToLower(string(v))] }

// isExampleHost reports whether a host is one that is kept for examples (RFC 2606)
// with nothing below it that is not.
func isExampleHost(host []byte) bool {
	n := hostSet.run(host, 0, 200)
	name := strings.ToLower(string(host[:n]))
	return name == "host" || name == "hostname" || name == "server" || name == "proxy"
}

var tsigForm = newForm(`^secret[ \t]+"([A-Za-z0-9+/]{20,}={0,2})"`)

// tsigKey finds 'secret "BASE64";' of named.conf(5) and nsd.conf's 'secret: "..."'.
func tsigKey(p *probe) (int, int, bool) {
	quote := p.end + blank.run(p.text, p.end, 200)
	if !p.starts(p.at) || quote == p.end || quote == len(p.text) || p.text[quote] != '"' {
		return 0, 0, false // without asking the form: many texts speak of secrets
	}
	from, to, ok := p.found(tsigForm, p.at, 200)
	return from, to, ok && entropy(p.text[from:to]) >= leastRandom
}

// npmrc finds //registry/:_authToken=VALUE, and _auth=BASE64 of a line of its own.
func npmrc(p *probe) (int, int, bool) {
	alone := p.end-p.at == len("_auth") && (p.at == 0 || p.text[p.at-1] != ':')
	if alone && (!p.is("_auth") || !strings.HasSuffix(p.name, "npmrc") || p.at > 0 && p.text[p.at-1] != '\n') {
		return 0, 0, false
	}
	i := p.end + blank.run(p.text, p.end, 4)
	if i >= len(p.text) || p.text[i] != '=' {
		return 0, 0, false
	}
	i += 1 + blankDouble.run(p.text, i+1, 4)
	n := bearerSet.run(p.text, i, 500)
	return i, i + n, n >= 8 && !isPlaceholder(p.text[i:i+n])
}

var loginForms = []form{
	newForm(`^curl [^\n]{0,200}?(?:-u|--user)[ =]?["']?[A-Za-z0-9_.@-]+:([^\s"']{6,})`),
	newForm(`^mysql(?:dump|admin)? [^\n|;]{0,200}?-p([^\s"'$-][^\s"'$]{5,})`),
	newForm(`^sshpass -p ?["']?([^\s"'$]{4,})`),
	newForm(`^redis-cli [^\n|;]{0,200}?-a ["']?([^\s"'$]{6,})`),
	newForm(`(?i)^convertto-securestring\s+(?:-string\s+)?["']([^"'$\n]{6,})["'][^\n]{0,80}-asplaintext`),
	newForm(`^jwt\.(?:sign|encode)\([^"'\n]{0,80},\s*["']([^"'\n]{16,})["']`),
	newForm(`^<auth-user-pass>\s*\n[^\n]+\n([^\n<]{4,})\n\s*</auth-user-pass>`),
}

// commandLogin finds passwords among the arguments of commands.
func commandLogin(p *probe) (int, int, bool) {
	if p.binary {
		return 0, 0, false // strings that a compiler has put side by side
	}
	for _, f := range loginForms {
		if from, to, ok := p.found(f, p.at, 400); ok {
			value := p.text[from:to]
			return from, to, !isPlaceholder(value) && !isHint(value) && !isWords(value)
		}
	}
	return 0, 0, false
}

var chpasswdForm = newForm(`["' ][a-z_][a-z0-9_-]{0,31}:([^\s"'$:]{4,})["']?\s*\|\s*(?:sudo )?(?:/usr/sbin/)?$`)

// chpasswd finds echo "USER:PASSWORD" | chpasswd.
func chpasswd(p *probe) (int, int, bool) {
	line := bytes.LastIndexByte(p.text[:p.at], '\n') + 1
	m := chpasswdForm().FindSubmatchIndex(p.text[line:p.at])
	if m == nil || p.binary {
		return 0, 0, false
	}
	value := p.text[line+m[2] : line+m[3]]
	return line + m[2], line + m[3], !isPlaceholder(value) && !isHint(value)
}

var (
	terraformForm = newForm(`(?s)^random_password".*?"result":\s*"([^"\n]{6,200})"`)
	ipsecForm     = newForm(`^(?i:psk|eap|xauth) "([^"\n]{6,200})"`)
	bundlerForm   = newForm(`^BUNDLE_[A-Z0-9_]{3,100}:\s*["']?[A-Za-z0-9_.@-]{1,80}:([^\s"'/]{6,200})["']?\s*(?:\n|$)`)
	wordpressForm = newForm(`^(?:AUTH|LOGGED_IN|NONCE)_(?:KEY|SALT)["']\s*,\s*["']([^\n]{60,70}?)["']\s*\)`)
	gossipForm    = newForm(`^encrypt["']?\s*[=:]\s*"([A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{32})"`)
)

func terraformPassword(p *probe) (int, int, bool) {
	from, to, ok := p.found(terraformForm, p.at, 3000)
	return from, to, ok && !isPlaceholder(p.text[from:to])
}

// ipsecSecret finds ': PSK "WORD"' (ipsec.secrets(5)).
func ipsecSecret(p *probe) (int, int, bool) {
	before := bytes.TrimRight(p.text[max(0, p.at-20):p.at], " \t")
	from, to, ok := p.found(ipsecForm, p.at, 250)
	return from, to, ok && bytes.HasSuffix(before, []byte{':'}) && p.kind == config && !isPlaceholder(p.text[from:to])
}

func bundler(p *probe) (int, int, bool) {
	from, to, ok := p.found(bundlerForm, p.at, 400)
	return from, to, ok && p.starts(p.at) && !isPlaceholder(p.text[from:to])
}

func wordpress(p *probe) (int, int, bool) {
	from, to, ok := p.found(wordpressForm, p.at, 120)
	return from, to, ok && entropy(p.text[from:to]) >= 4 && !isExample(p.text[from:to]) && !bytes.Contains(p.text[from:to], []byte("unique phrase"))
}

func gossipKey(p *probe) (int, int, bool) {
	from, to, ok := p.found(gossipForm, p.at, 80)
	return from, to, ok && p.starts(p.at) && entropy(p.text[from:to]) >= leastRandom
}

var configForm = newForm(`^(?:[ \t]+|[ \t]*=[ \t]*)("[^"\n]{4,100}"|[^\s"]{4,100})[ \t]*(?:\r?\n|$)`)

// configPassword finds what follows a word that begins a line.
func configPassword(p *probe) (int, int, bool) {
	line := p.text[bytes.LastIndexByte(p.text[:p.at], '\n')+1 : p.at]
	if len(bytes.Trim(line, " \t")) > 0 && !bytes.Contains(line, []byte("user ")) || p.kind == code && !p.binary || p.binary {
		return 0, 0, false
	}
	end := p.end
	if p.text[end-1] == ' ' { // of no file whose lines are sentences
		if !strings.HasSuffix(p.name, "rc") && !strings.HasSuffix(p.name, "_config") {
			return 0, 0, false
		}
		end--
	}
	from, to, ok := p.found(configForm, end, 200)
	if !ok {
		return 0, 0, false
	}
	value := bytes.Trim(p.text[from:to], `"`)
	return from, to, !isPlaceholder(value) && !isHint(value) && !bytes.HasPrefix(value, []byte("{"))
}
