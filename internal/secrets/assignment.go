package secrets

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"sync"
)

// kind is what a file is, by its name: it says whether a word without quotes can be
// a value.
type kind int

const (
	config kind = iota // key=value, YAML, JSON, shell; also what has no telling name
	code               // a word without quotes is a name of the program's
)

// codeSuffixes are those of programs, in which values stand in quotes.
var codeSuffixes = []string{
	".py", ".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", ".go", ".c", ".h", ".cc", ".cpp", ".hh", ".hpp", ".rs", ".java", ".kt", ".rb", ".pl", ".pm", ".t", ".php",
	".lua", ".el", ".tcl", ".cs", ".swift", ".scala", ".vim", ".awk", ".m4", ".cmake", ".po", ".pod", ".html", ".htm", ".css", ".svg", ".md", ".rst", ".tex", ".texi", ".bash", ".zsh", ".fish",
	".gir", ".xsl", ".xsd", ".rnc", ".rng", ".proto", ".sql", ".erl", ".ex", ".hs", ".ml", ".s", ".map", ".ui", ".glade", ".docbook", ".typelib", ".vapi", ".decl",
}

func kindOf(name string) kind {
	if slices.Contains(codeSuffixes, path.Ext(name)) {
		return code
	}
	return config
}

// assignmentRules are values that are given to what is called a password or the like.
func assignmentRules() []Rule {
	return []Rule{
		{Name: "password", What: "a value of something that is called password, passphrase, pwd or psk", anchors: []string{"pass", "pwd", "psk", "_pw"}, match: passwordValue},
		{Name: "secret-value", What: "a random value of something that is called secret, token, credential or key", anchors: []string{
			"secret", "token", "apikey", "api_key", "api-key", "access_key", "accesskey", "access-key", "private_key", "privatekey", "auth_key", "authkey", "encryption_key", "encryptionkey",
			"signing_key", "signingkey", "master_key", "masterkey", "account_key", "credential", "webhook_key", "license_key", "deploy_key", "hmac_key", "session_key", "cookie_key", "app_key", "jwt_key",
		}, match: secretValue},
	}
}

// assignment is a value and what it is given to.
type assignment struct {
	key      []byte
	start    int    // of the key
	before   []byte // of the key, what follows the keyword
	from, to int    // the value is text[from:to], without quotes
	quoted   bool
	tight    bool // KEY=VALUE without spaces
	equals   bool // = and not :
	alone    bool // nothing follows in the line but what ends a value
}

var (
	keySet     = setOf("A-Za-z0-9_.-")
	valueBreak = setOf(" \t\r\n\"'<>&`\x00")
)

// assignment reads what is assigned to the name that the anchor is a part of.
func (p *probe) assignment() (a assignment, ok bool) {
	left := p.at
	for left > 0 && p.at-left < 64 && keySet[p.text[left-1]] {
		left--
	}
	right := p.end + keySet.run(p.text, p.end, 64)
	a.key, a.before, a.start = p.text[left:right], p.text[p.end:right], left
	query := left > 0 && p.text[left-1] == '&' && right < len(p.text) && p.text[right] == '='
	if left > 1 && p.text[left-1] == '{' && p.text[left-2] == '$' {
		return a, false // that is the name of a variable, whose value is elsewhere
	}
	if left > 0 && !query && bytes.IndexByte([]byte("$%@*&"), p.text[left-1]) >= 0 {
		return p.variable(a, left-1, right)
	}
	i := right
	if left > 0 && p.text[left-1] == '<' {
		if inner, ok := p.tag(i); ok {
			return p.element(a, inner)
		}
	}
	for i < len(p.text) && i < right+3 && bytes.IndexByte([]byte(`\"']`), p.text[i]) >= 0 {
		i++
	}
	if i, ok = p.separator(&a, i); !ok {
		return a, false
	}
	a, ok = p.value(a, i)
	if ok && !a.quoted && left > 0 && a.to < len(p.text) && p.text[a.to] == p.text[left-1] && (p.text[a.to] == '\'' || p.text[a.to] == '"') && bytes.IndexByte(a.key, '-') > 0 {
		a.quoted, a.alone = true, true // "X-Api-Key: VALUE", a header
	}
	return a, ok
}

// declares are the words before a variable that is given a value.
var declares = map[string]bool{
	"my": true, "our": true, "local": true, "const": true, "var": true, "static": true, "string": true, "readonly": true,
	"public": true, "private": true, "protected": true, "global": true, "php": true,
}

// variable reads a text that a statement gives to a variable of PHP, Perl, PowerShell or
// Ruby, whose sign is text[sign]: $password = 'value'; other uses say nothing of a value.
func (p *probe) variable(a assignment, sign, right int) (assignment, bool) {
	if c := p.text[sign]; c != '$' && c != '@' {
		return a, false
	}
	before := bytes.TrimRight(p.text[max(0, sign-32):sign], " \t@")
	if n := len(before); n == 1 && sign == 1 && before[0] == '?' || bytes.HasSuffix(before, []byte("\xef\xbb\xbf")) {
		before = nil // a byte order mark, in UTF-16 or UTF-8
	}
	if n := len(before); n > 0 && bytes.IndexByte([]byte("\r\n;{}(]:"), before[n-1]) < 0 {
		word := n
		for word > 0 && alphanumeric[before[word-1]] {
			word--
		}
		if n == word || !declares[string(bytes.ToLower(before[word:]))] {
			return a, false // in a text, or in a comparison
		}
	}
	i := right + blank.run(p.text, right, 32)
	if i >= len(p.text) || p.text[i] != '=' {
		return a, false
	}
	if i, a.equals = p.separator(&a, right); !a.equals {
		return a, false
	}
	a, ok := p.value(a, i)
	return a, ok && a.quoted && (p.text[a.from-1] != '"' || !madeUp(p.text[a.from:a.to]))
}

// madeUp reports whether a text in double quotes takes in the value of something else.
func madeUp(v []byte) bool {
	for i, c := range v[:len(v)-1] {
		if next := v[i+1]; (c == '$' || c == '#') && (next == '{' || next == '(') || c == '$' && wordSet[next] && !digitSet[next] {
			return true
		}
	}
	return false
}

// tag skips the rest of an element's start, with its attributes, and the one within
// that only says that a value follows; text[i] is behind the element's name.
func (p *probe) tag(i int) (int, bool) {
	end := bytes.IndexByte(p.text[i:min(len(p.text), i+120)], '>')
	if end < 0 || end > 0 && (p.text[i] != ' ' || p.text[i+end-1] == '/' || bytes.Contains(p.text[i:i+end], []byte("value="))) {
		return 0, false
	}
	i += end + 1
	inner := i + space.run(p.text, i, 40)
	if rest := p.text[inner:min(len(p.text), inner+7)]; bytes.EqualFold(rest, []byte("<value>")) {
		i = inner + len(rest)
	}
	return i, true
}

// separator reads what stands between name and value.
func (p *probe) separator(a *assignment, i int) (int, bool) {
	start := i
	if v := p.namedValue(i); v > 0 {
		i = v
	}
	i += blank.run(p.text, i, 32)
	rest := p.text[i:min(len(p.text), i+2)]
	option := bytes.HasPrefix(a.key, []byte("--")) && len(rest) > 0 && i > start && rest[0] != '-' && rest[0] != '=' && p.kind == config && !p.binary
	if option || p.isEnv(a) && i > start || p.isArgument(a) && len(rest) > 0 && rest[0] == ',' {
		a.equals, a.tight = true, true
		return i + argumentSpace.run(p.text, i, 8), true
	}
	switch {
	case len(rest) < 2, string(rest) == "==", string(rest) == "=~", string(rest) == "::", string(rest) == ":/":
		return 0, false
	case string(rest) == "=>", string(rest) == ":=", string(rest) == "?=":
		i += 2
		a.equals = string(rest) != "=>"
	case rest[0] == '=', rest[0] == ':':
		i++
		a.equals = rest[0] == '='
	default:
		return 0, false
	}
	if rest[0] == ':' && p.kind == code {
		i = p.typed(a, i)
	}
	spaces := blank.run(p.text, i, 32)
	a.tight = i == start+1 && spaces == 0
	return i + spaces, true
}

// typed skips ": TYPE =" of TypeScript, Python and Rust.
func (p *probe) typed(a *assignment, i int) int {
	j := i + blank.run(p.text, i, 4)
	n := wordSet.run(p.text, j, 20)
	k := j + n + blank.run(p.text, j+n, 4)
	if n == 0 || k+1 >= len(p.text) || p.text[k] != '=' || p.text[k+1] == '=' || p.text[k+1] == '>' {
		return i
	}
	a.equals = true
	return k + 1
}

// isEnv reports whether the name is that of an ENV line of a Dockerfile.
func (p *probe) isEnv(a *assignment) bool {
	return bytes.HasSuffix(p.text[:a.start], []byte("ENV ")) && (a.start == 4 || p.text[a.start-5] == '\n')
}

// isArgument reports whether the name is the first argument of a call:
// define('DB_PASSWORD', 'value').
func (p *probe) isArgument(a *assignment) bool {
	return a.start > 1 && bytes.HasSuffix(bytes.TrimRight(p.text[:a.start-1], " "), []byte{'('}) && (p.text[a.start-1] == '\'' || p.text[a.start-1] == '"')
}

// namedValue skips to the separator of a pair that is written as name: X, value: Y,
// in YAML, JSON or as attributes; 0 where there is none.
func (p *probe) namedValue(i int) int {
	n := pairSpace.run(p.text, i, 64)
	j := i + n
	if n == 0 || len(p.text) < j+6 || !bytes.EqualFold(p.text[j:j+5], []byte("value")) {
		return 0
	}
	j += 5
	return j + blankQuote.run(p.text, j, 8)
}

// element reads <name>value</name>.
func (p *probe) element(a assignment, i int) (assignment, bool) {
	n := bytes.IndexByte(p.text[i:min(len(p.text), i+512)], '<')
	if n <= 0 || i+n+1 >= len(p.text) || p.text[i+n+1] != '/' {
		return a, false
	}
	a.from, a.to, a.quoted, a.alone = i, i+n, true, true
	return a, true
}

// mostValue bounds a value, in bytes.
const mostValue = 512

func (p *probe) value(a assignment, i int) (assignment, bool) {
	if i+1 < len(p.text) && bytes.IndexByte([]byte("bBrRuU"), p.text[i]) >= 0 && (p.text[i+1] == '"' || p.text[i+1] == '\'') {
		i++ // a prefix of Python's
	}
	escaped := i+1 < len(p.text) && p.text[i] == '\\' && p.text[i+1] == '"'
	if escaped {
		i++
	}
	if i >= len(p.text) {
		return a, false
	}
	if q := p.text[i]; q == '"' || q == '\'' || q == '`' {
		return p.quotedValue(a, i, q, escaped)
	}
	a.from = i
	for i < len(p.text) && i-a.from < mostValue && !valueBreak[p.text[i]] && !(p.text[i] == '\\' && i+1 < len(p.text) && (p.text[i+1] == 'n' || p.text[i+1] == 'r')) {
		i++
	}
	a.to = i
	for a.to > a.from && bytes.IndexByte([]byte(",;)}]"), p.text[a.to-1]) >= 0 {
		a.to--
	}
	rest, _, _ := bytes.Cut(p.text[i:], []byte{'\n'})
	rest = bytes.Trim(rest, " \t\r,;)}]")
	a.alone = len(rest) == 0 || rest[0] == '#' || rest[0] == 0
	return a, a.to > a.from
}

func (p *probe) quotedValue(a assignment, i int, q byte, escaped bool) (assignment, bool) {
	a.quoted, a.alone = true, true
	a.from = i + 1
	for i++; i < len(p.text) && i-a.from < mostValue; i++ {
		switch c := p.text[i]; {
		case c == '\\' && escaped && i+1 < len(p.text) && p.text[i+1] == q:
			a.to = i
			return a, a.to > a.from
		case c == '\\' && i+1 < len(p.text):
			i++
		case c == q:
			a.to = i
			return a, a.to > a.from
		case c == '\n', c == 0:
			return a, false
		}
	}
	return a, false
}

// settingWords are words in a name that make it something else than the secret
// itself.
const settingWords = `file files path paths dir directory name names id ids url urls uri uris type types length len min minimum max maximum expiry expires expire expiration
ttl age policy hint hints prompt label field fields algorithm algo method mode modes timeout count limit size format regex pattern placeholder enabled enable required require provider
store manager module class command cmd change changed reset verify verified verification authentication authenticator auth header endpoint ref reference arn version prefix suffix
quality strength lifetime valid validity validator validation warn warning days retry retries history check checker rule rules scope scopes audience issuer created updated deleted encrypted
encryption encoding scheme color list index position title help message error errors forgot charset input visible show icon button template kind group description desc fingerprint digest
checksum sum hash hashed salt interval time date last next at on in is for of as to cache exchange review lookup grant env var variable quota`

var settingNames = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(settingWords) {
		all[w] = true
	}
	return all
})

// isOther reports whether the name means something about a secret and not the secret.
func (a *assignment) isOther() bool {
	list := words(a.before)
	for i, w := range list {
		if settingNames()[w] {
			return true
		}
		joined := i == 0 && alphanumeric[a.before[0]] && (a.before[0] >= 'a' || a.key[0] < 'a')
		if joined && w != "s" && w != "key" && w != "keys" && w != "value" && w != "base" && w != "data" && !digitSet.all([]byte(w)) {
			return true // "tokenizer", "passwordless"
		}
	}
	key := strings.ToLower(string(a.key))
	for _, w := range []string{"public", "pubkey", "bypass", "compass", "next_token", "nexttoken", "page_token", "pagetoken", "continuation", "no_pass", "nopass", "sync_token"} {
		if strings.Contains(key, w) {
			return true
		}
	}
	return false
}

// words are the parts of a name, in small letters: of "_KEY_base64Id" key, base64, id.
func words(name []byte) []string {
	var list []string
	start := 0
	cut := func(end int) {
		if end > start {
			list = append(list, strings.ToLower(string(name[start:end])))
		}
		start = end
	}
	for i, c := range name {
		switch {
		case !alphanumeric[c]:
			cut(i)
			start = i + 1
		case i > 0 && 'A' <= c && c <= 'Z' && 'a' <= name[i-1] && name[i-1] <= 'z':
			cut(i)
		}
	}
	cut(len(name))
	return list
}

// isPass reports whether "pass" alone is the last word of the name: DB_PASS, smtpPass.
func (p *probe) isPass(a *assignment) bool {
	low := bytes.ToLower(p.text[p.at:min(len(p.text), p.end+8)])
	for _, w := range []string{"password", "passwd", "passphrase", "passwort", "passcode"} {
		if bytes.HasPrefix(low, []byte(w)) {
			a.before = a.before[min(len(a.before), len(w)-len("pass")):]
			return true
		}
	}
	first := p.end - 4
	word := first == 0 || !alphanumeric[p.text[first-1]] || p.text[first] == 'P'
	return word && len(a.before) == 0
}

// passwordValue finds what is assigned to a password.
func passwordValue(p *probe) (int, int, bool) {
	a, ok := p.assignment()
	if !ok || p.end-p.at == 4 && !p.isPass(&a) || a.isOther() {
		return 0, 0, false
	}
	if p.end-p.at == 3 && (p.at > 0 && alphanumeric[p.text[p.at-1]] && p.text[p.at] != 'P' && p.text[p.at] != '_' || len(a.before) > 0) {
		return 0, 0, false
	}
	v := p.text[a.from:a.to]
	if !p.canBe(&a) || len(v) < 6 || !isPrintable(v) || isPlaceholder(v) || bytes.ContainsAny(v, "\t") {
		return 0, 0, false
	}
	lower, upper, digit, other := classes(v)
	low := bytes.ToLower(v)
	switch {
	case p.binary:
		ok = p.closed(&a) && lower > 0 && digit > 0 && upper+other > 0 && len(v) >= 8 && entropy(v) >= 2.8 && !bytes.ContainsAny(v, "%(){}[]<>/\\ ")
	case p.end-p.at == 3 && fold(p.text[p.at]) == 'p' && fold(p.text[p.at+1]) == 's' && a.quoted && a.tight && a.equals:
		ok = len(v) >= 8 && len(v) <= 63 // wpa_supplicant.conf(5)
	case bytes.ContainsAny(v, " "):
		ok = isPassphrase(a.key, v)
	case isWords(v):
		ok = isWord(&a, v, p.kind) || p.kind == config && a.equals && a.alone && isDiceware(v)
	case lower+upper == 0 && numeric.all(v) && digit < len(v):
		ok = false // a version, a date, an address
	case digit == len(v):
		ok = a.quoted && p.kind == config || a.equals && a.tight && a.alone
	case digit == 0 && (bytes.Contains(low, []byte("pass")) || bytes.ContainsAny(v, "()[]{}<>/\\|+") && lower+upper+other == len(v) && bytes.ContainsAny(v, "()[]{}<>\\|")):
		ok = false // a name, a call, a pattern
	default:
		ok = !isExpression(v)
	}
	return a.from, a.to, ok && !hints[string(low)]
}

// canBe reports whether the value is one in a file of this kind.
func (p *probe) canBe(a *assignment) bool {
	if a.quoted {
		return true
	}
	if p.kind == code && !p.binary {
		return a.equals && a.tight && p.inConnection(a)
	}
	return a.alone || a.equals && a.tight
}

// connectionWords are other parts of a string that says where a database is.
var connectionWords = [][]byte{[]byte("host="), []byte("server="), []byte("dbname="), []byte("user="), []byte("user id="), []byte("uid="), []byte("username="), []byte("data source="), []byte("database="), []byte("jdbc:")}

// inConnection reports whether the value stands in such a string of a program.
func (p *probe) inConnection(a *assignment) bool {
	from := bytes.LastIndexAny(p.text[max(0, a.start-200):a.start], "\n\"'`") + 1 + max(0, a.start-200)
	to := a.to
	for to < len(p.text) && to < a.to+200 && bytes.IndexByte([]byte("\n\"'`"), p.text[to]) < 0 {
		to++
	}
	low := bytes.ToLower(p.text[from:to])
	for _, w := range connectionWords {
		if bytes.Contains(low, w) {
			return true
		}
	}
	return false
}

// closed reports whether a value in a binary file stands by itself: among strings
// that a compiler has put side by side, a name and what follows it mean nothing.
func (p *probe) closed(a *assignment) bool {
	return a.quoted || a.tight && a.equals && (a.to >= len(p.text) || p.text[a.to] == 0 || p.text[a.to] == '\n')
}

func isPrintable(v []byte) bool {
	for _, c := range v {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// isPassphrase reports whether a value of several words is a passphrase and no
// sentence: the name says so, and nothing in it is a sentence's.
func isPassphrase(key, v []byte) bool {
	if !bytes.Contains(bytes.ToLower(key), []byte("passphrase")) && !bytes.Contains(bytes.ToLower(key), []byte("psk")) {
		return false
	}
	return len(v) >= 16 && bytes.Count(v, []byte(" ")) >= 3 && !bytes.ContainsAny(v, ".:,?!%<>{}()") && v[0] > 'Z'
}

// isDiceware reports whether a value is four words or more of small letters, joined
// by dashes.
func isDiceware(v []byte) bool {
	return bytes.Count(v, []byte("-")) >= 3 && len(v) >= 20 && lowerDash.all(v) && v[0] != '-'
}

// isWord reports whether a value of letters alone can be a password: in KEY=value
// of a configuration, where names of things are rare, and no word that settings have.
func isWord(a *assignment, v []byte, k kind) bool {
	if k != config || !a.equals || !a.tight || !a.alone || len(v) < 6 || bytes.ContainsAny(v, "./:,;()[]{}<>*'\"? _-") {
		return false
	}
	low := strings.ToLower(string(v))
	return !slices.Contains(settings, low) && !strings.Contains(low, "pass") && low[0] == v[0]
}

// settings are words that a password is set to where none is meant.
var settings = []string{
	"prompt", "define", "undef", "required", "optional", "disabled", "enabled", "string", "sufficient", "default", "plaintext", "secret", "internal", "random", "unset", "undefined", "digest", "always", "normal",
	"system", "files", "database", "window", "keyring", "cached", "forced", "manual", "server", "client", "option", "number", "boolean", "requisite", "generate", "generated", "encrypted", "external", "absent",
}

// isExpression reports whether a value is of a program: a call, an index, a member.
func isExpression(v []byte) bool {
	if i := bytes.IndexAny(v, "(["); i > 0 && wordSet.all(v[:i]) {
		return true
	}
	if bytes.Contains(v, []byte("->")) || bytes.Contains(v, []byte("::")) || bytes.HasPrefix(v, []byte("--")) || bytes.HasPrefix(v, []byte("\\")) {
		return true
	}
	if v[0] == '/' && bytes.Count(v, []byte("/")) >= 2 || bytes.HasPrefix(v, []byte("./")) || v[0] == '^' {
		return true
	}
	if name, _, assigned := bytes.Cut(v, []byte{'='}); assigned && lowerSet.all(name) {
		return true // the next option of a list
	}
	first, rest, dotted := bytes.Cut(v, []byte{'.'})
	return dotted && wordSet.all(first) && dottedSet.all(rest) && !bytes.ContainsAny(first, "0123456789") && bytes.Contains([]byte(" self this args opts options config cfg cls params req request env os settings "), append(append([]byte{' '}, first...), ' '))
}

// secretValue finds random values of what is called a secret.
func secretValue(p *probe) (int, int, bool) {
	a, ok := p.assignment()
	if !ok || a.isOther() || !p.canBe(&a) {
		return 0, 0, false
	}
	v := p.text[a.from:a.to]
	if p.binary && !p.closed(&a) {
		return 0, 0, false
	}
	return a.from, a.to, isRandom(v) || p.kind == config && !p.binary && isMixed(v) || a.quoted && len(v) >= 32 && isThrown(v)
}

var secretSet = setOf("A-Za-z0-9+/=_.~:!@#$%^&*-")

// isMixed reports whether a short value has small letters, capitals, digits or signs
// as people mix them into what they make up.
func isMixed(v []byte) bool {
	lower, upper, digit, other := classes(v)
	return len(v) >= 8 && len(v) < 40 && lower > 0 && upper > 0 && digit > 0 && other > 0 && other <= 4 && secretSet.all(v) &&
		!bytes.ContainsAny(v, "/.:_-") && entropy(v) >= 2.8 && !isPlaceholder(v) && !isExpression(v)
}

// isThrown reports whether a long value has signs among its letters as Django's keys
// have.
func isThrown(v []byte) bool {
	lower, upper, digit, other := classes(v)
	return visible.all(v) && digit > 1 && lower+upper > 0 && other >= 4 && other <= len(v)/2 && bytes.ContainsAny(v, "!@#$%^&*") && entropy(v) >= 4 && !isPlaceholder(v)
}

// isRandom reports whether a value looks as if a machine had thrown dice for it.
func isRandom(v []byte) bool {
	if isUUID(v) {
		return !isRepeated(v) && entropy(v) >= 3
	}
	if len(v) < 16 || !secretSet.all(v) || isPlaceholder(v) || isExpression(v) || isDigest(v) {
		return false
	}
	lower, upper, digit, other := classes(v)
	if digit == 0 || lower+upper == 0 || other > len(v)/4 {
		return false
	}
	if digit < 2 && other > 0 || bytes.Count(v, []byte("-")) > 3 || bytes.Count(v, []byte("_")) > 3 || bytes.Count(v, []byte(".")) > 3 || bytes.Contains(v, []byte("//")) {
		return false // names with a number in them
	}
	if hexSet.all(v) {
		return entropy(v) >= 2.8
	}
	return entropy(v) >= 3.3
}

// isDigest reports whether a value says that it is one: "sha256:...", "sha512-...".
func isDigest(v []byte) bool {
	low := bytes.ToLower(v[:min(len(v), 8)])
	return bytes.HasPrefix(low, []byte("sha")) || bytes.HasPrefix(low, []byte("md5"))
}
