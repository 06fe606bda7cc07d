package secrets_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	randv2 "math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"kiln/internal/secrets"
)

// planted is a secret that a test makes. What it is made of stands in parts in this
// file, so that nothing in it looks like a secret to another program.
type planted struct {
	rule, file, text string
	value            string // must not be told
}

// maker makes random words, the same in every run.
type maker struct{ *randv2.Rand }

const (
	small   = "abcdefghijklmnopqrstuvwxyz"
	capital = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
	hexes   = digits + "abcdef"
	alnum   = small + capital + digits
	b64     = alnum + "+/"
)

func (m maker) of(set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[m.IntN(len(set))]
	}
	return string(b)
}

// word is what people make up: letters of both cases, digits, a sign.
func (m maker) word() string {
	return m.of(capital, 1) + m.of(small, 5) + m.of(digits, 2) + "!" + m.of(small, 2)
}

func (m maker) base64(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.Uint32())
	}
	return base64.StdEncoding.EncodeToString(b)
}

// block is a PEM block with a label.
func block(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func (m maker) bytes(n int) []byte {
	b, _ := base64.StdEncoding.DecodeString(m.base64(n))
	return b
}

// der is a SEQUENCE of that many bytes, as keys are.
func (m maker) der(n int) []byte {
	return append([]byte{0x30, 0x82, byte(n >> 8), byte(n)}, m.bytes(n)...)
}

const key = "PRIVATE" + " KEY"

// corpus is at least one of each kind, in the files in which they stand.
func corpus(t testing.TB) []planted {
	t.Helper()
	m := maker{randv2.New(randv2.NewPCG(1, 2))}
	list := append(keysOf(t, m), tokensOf(m)...)
	list = append(list, cloudOf(m)...)
	list = append(list, passwordsOf(m)...)
	list = append(list, hashesOf(m)...)
	list = append(list, loginsOf(m)...)
	return append(list, wrappedOf(m)...)
}

func keysOf(t testing.TB, m maker) []planted {
	t.Helper()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(r))
	ed := must(x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(m.bytes(32))))
	ssh := func(cipher string) []byte {
		b := append([]byte("openssh-key-v1\x00\x00\x00\x00"), byte(len(cipher)))
		return append(append(b, cipher...), m.bytes(300)...)
	}
	account := strings.ReplaceAll(block(key, pkcs8), "\n", `\n`)
	locked := strings.Replace(block("RSA "+key, m.bytes(600)), "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"+m.of("0123456789ABCDEF", 32)+"\n\n", 1)
	vpn := m.of(hexes, 512)
	return []planted{
		{"private-key", "server.key", block("RSA "+key, x509.MarshalPKCS1PrivateKey(r)), ""},
		{"private-key", "tls.key", block("EC "+key, must(x509.MarshalECPrivateKey(ec))), ""},
		{"private-key", "pkcs8.pem", block(key, pkcs8), ""},
		{"private-key", "ed25519.pem", block(key, ed), ""},
		{"private-key", "id_rsa", block("OPENSSH "+key, ssh("none")), ""},
		{"private-key", "dsa.pem", block("DSA "+key, m.der(400)), ""},
		{"private-key", "config.json", `{"tls_key": "` + strings.ReplaceAll(block("EC "+key, m.der(120)), "\n", `\n`) + `"}`, ""},
		{"private-key", "values.yaml", "tls:\n  key: |\n    " + strings.ReplaceAll(block(key, m.der(300)), "\n", "\n    "), ""},
		{"encrypted-private-key", "locked.pem", block("ENCRYPTED "+key, m.der(600)), ""},
		{"encrypted-private-key", "old.pem", locked, ""},
		{"encrypted-private-key", "id_ed25519", block("OPENSSH "+key, ssh("aes256-ctr")), ""},
		{"ssh-host-key", "ssh_host_ed25519_key", block("OPENSSH "+key, ssh("none")), ""},
		{"pgp-private-key", "secret.asc", "-----BEGIN PGP " + key + " BLOCK-----\n\n" + m.base64(500) + "\n=abcd\n-----END PGP " + key + " BLOCK-----\n", ""},
		{"putty-key", "id.ppk", "PuTTY-User-Key" + "-File-3: ssh-ed25519\nEncryption: none\nComment: x\nPublic-Lines: 2\n" + m.base64(48) + "\n" + m.base64(12) + "\nPrivate-Lines: 1\n" + m.base64(36) + "\nPrivate-MAC: " + m.of(hexes, 64) + "\n", ""},
		{"gnupg-key", "ABCDEF.key", "Created: 20260101T000000\nKey: (private" + "-key (ecc (curve Ed25519)(flags eddsa)(q #" + m.of(hexes, 66) + "#)(d #" + m.of(hexes, 64) + "#)))\n", ""},
		{"der-private-key", "key.der", string(pkcs8), ""},
		{"age-key", "keys.txt", "AGE-SECRET" + "-KEY-1" + m.of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58) + "\n", ""},
		{"wireguard-key", "wg0.conf", "[Interface]\nPrivate" + "Key = " + m.base64(32) + "\n", ""},
		{"openvpn-key", "ta.key", "-----BEGIN OpenVPN Static" + " key V1-----\n" + vpn[:128] + "\n" + vpn[128:256] + "\n-----END OpenVPN Static key V1-----\n", ""},
		{"keystore", "client.p12", "\x30\x82\x09\xa1\x02\x01\x03\x30\x82" + string(m.bytes(500)), ""},
		{"kerberos-keytab", "krb5.keytab", "\x05\x02\x00\x00\x00\x3b" + string(m.bytes(80)), ""},
		{"gcp-service-account", "account.json", `{"type": "service_account", "private_key_id": "` + m.of(hexes, 40) + `", "private_key": "` + account + `", "client_email": "a@b.example"}`, ""},
		{"encoded-private-key", "kubeconfig", "users:\n- name: admin\n  user:\n    client-key-data: " + base64.StdEncoding.EncodeToString([]byte(block("RSA "+key, m.bytes(900)))) + "\n", ""},
	}
}

func tokensOf(m maker) []planted {
	t := func(rule, file, before, prefix, rest, after string) planted {
		return planted{rule, file, before + prefix + rest + after, prefix + rest}
	}
	b := base64.RawURLEncoding
	jwt := b.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b.EncodeToString([]byte(`{"sub":"app","iat":1700000000}`)) + "." + m.of(alnum, 43)
	return []planted{
		t("github-token", ".env", "GH_TOKEN=", "gh"+"p_", m.of(alnum, 36), "\n"),
		t("github-token", "clone.sh", "git clone https://x-access-token:", "gh"+"s_", m.of(alnum, 36), "@git.example.org/a/b\n"),
		t("github-token", "notes.txt", "the token is ", "github"+"_pat_", m.of(alnum, 22)+"_"+m.of(alnum, 59), ".\n"),
		t("gitlab-token", "ci.yml", "  token: ", "gl"+"pat-", m.of(alnum, 20), "\n"),
		t("npm-token", ".npmrc", "//npm.example.org/:_authToken=", "np"+"m_", m.of(alnum, 36), "\n"),
		t("npmrc-login", ".npmrc", "//npm.example.org/:_authToken=", "", m.of(hexes, 8)+"-"+m.of(hexes, 4)+"-4"+m.of(hexes, 3)+"-8"+m.of(hexes, 3)+"-"+m.of(hexes, 12), "\n"),
		t("pypi-token", ".pypirc", "[pypi]\nusername = __token__\npassword = ", "pypi-AgEI"+"cHlwaS5vcmc", m.of(alnum, 120), "\n"),
		t("slack-token", "bot.py", "client = Client(token='", "xo"+"xb-", m.of(digits, 12)+"-"+m.of(digits, 12)+"-"+m.of(alnum, 24), "')\n"),
		t("slack-webhook", "alert.sh", "curl -d @x https://hooks.slack"+".com/services/", "", "T"+m.of(capital, 9)+"/B"+m.of(capital, 9)+"/"+m.of(alnum, 24), "\n"),
		t("stripe-key", "pay.go", `stripe.Key = "`, "sk"+"_live_", m.of(alnum, 24), "\"\n"),
		t("stripe-webhook-secret", "pay.env", "WEBHOOK=", "wh"+"sec_", m.of(alnum, 32), "\n"),
		t("sendgrid-key", "mail.yaml", "key: ", "S"+"G.", m.of(alnum, 22)+"."+m.of(alnum, 43), "\n"),
		t("twilio-key", "sms.env", "TWILIO_AUTH_TOKEN=", "", m.of(hexes, 32), "\n"),
		t("mailgun-key", "mail.conf", "k: ", "ke"+"y-", m.of(hexes, 32), "\n"),
		t("mailchimp-key", "mail.conf", "k: ", "", m.of(hexes, 32)+"-us"+"12", "\n"),
		t("telegram-token", "bot.conf", "bot ", "", "7"+m.of(digits, 8)+":A"+"A"+m.of(alnum, 33), "\n"),
		t("vault-token", ".vault-token", "", "hv"+"s.", m.of(alnum, 90), ""),
		t("tailscale-key", "up.sh", "tailscale up --authkey ", "ts"+"key-auth-", m.of(alnum, 12)+"-"+m.of(alnum, 32), "\n"),
		t("tailscale-state", "tailscaled.state", `{"Key":"`, "priv"+"key:", m.of(hexes, 64), `"}`),
		t("docker-hub-token", "login.sh", "echo ", "dckr"+"_pat_", m.of(alnum, 27), " | docker login\n"),
		t("shopify-token", "a.env", "T=", "sh"+"pat_", m.of(hexes, 32), "\n"),
		t("digitalocean-token", "a.env", "T=", "do"+"p_v1_", m.of(hexes, 64), "\n"),
		t("grafana-token", "a.env", "T=", "gl"+"sa_", m.of(alnum, 32)+"_"+m.of(hexes, 8), "\n"),
		t("rubygems-token", "credentials", ":rubygems_api_key: ", "ruby"+"gems_", m.of(hexes, 48), "\n"),
		t("jwt", "session.txt", "cookie: ", "", jwt, "\n"),
		t("authorization-header", "call.sh", `curl -H "Author`+`ization: Bearer `, "", m.of(alnum, 40), "\" x\n"),
		t("authorization-header", "call.http", "Author"+"ization: Basic ", "", base64.StdEncoding.EncodeToString([]byte("admin:"+m.word())), "\n"),
		t("docker-auth", "config.json", `{"auths": {"r.example.org": {"auth": "`, "", base64.StdEncoding.EncodeToString([]byte("robot:"+m.word())), `"}}}`),
		t("terraform-token", "credentials.tfrc.json", `{"x": "`, "", m.of(alnum, 14)+".atlas"+"v1."+m.of(alnum, 64), `"}`),
	}
}

func cloudOf(m maker) []planted {
	id := "AK" + "IA" + m.of(capital, 16)
	secret := "Zq7" + m.of(b64, 37)
	azure := m.base64(64)
	sig := m.of(alnum, 42) + "%3D"
	gcp := "AI" + "za" + m.of(alnum, 35)
	entra := m.of(alnum, 3) + "8Q" + "~" + m.of(alnum, 34)
	return []planted{
		{"aws-access-key-id", "credentials", "[default]\naws_access_key_id = " + id + "\n", id},
		{"aws-secret-key", "credentials", "[default]\naws_secret" + "_access_key = " + secret + "\n", secret},
		{"aws-secret-key", "env.sh", "export AWS_SECRET" + "_ACCESS_KEY=\"" + secret + "\"\n", secret},
		{"gcp-api-key", "maps.js", "const k = '" + gcp + "'\n", gcp},
		{"azure-storage-key", "app.config", "DefaultEndpointsProtocol=https;AccountName=a;Account" + "Key=" + azure + ";EndpointSuffix=x\n", azure},
		{"azure-sas", "url.txt", "https://a.blob.example.org/c?sv=2022-11-02&ss=b&se=2030-01-01&sp=r&sig=" + sig + "\n", sig},
		{"azure-client-secret", "sp.json", `{"x": "` + entra + `"}`, entra},
	}
}

func passwordsOf(m maker) []planted {
	p := func(rule, file, before, value, after string) planted {
		return planted{rule, file, before + value + after, value}
	}
	return []planted{
		p("password", ".env", "DB_PASS"+"WORD=", m.word(), "\n"),
		p("password", ".env", "DB_PASS"+"WORD=", m.of(small, 9), "\n"),
		p("password", "app.ini", "[db]\nuser = app\npass"+"word = ", m.word(), "\n"),
		p("password", "app.yaml", "db:\n  pass"+"word: ", m.word(), "\n"),
		p("password", "app.yaml", "db:\n  pass"+"word: \"", m.word(), "\"\n"),
		p("password", "app.json", `{"user": "x", "db`+`Password": "`, m.word(), `"}`),
		p("password", "app.properties", "spring.datasource.pass"+"word=", m.word(), "\n"),
		p("password", "settings.py", "DATABASES = {'PASS"+"WORD': '", m.word(), "'}\n"),
		p("password", "main.go", "const dbPass"+"word = \"", m.word(), "\"\n"),
		p("password", "server.xml", "<pass"+"word>", m.word(), "</password>\n"),
		p("password", "web.xml", "<add key=\"Smtp.Pass"+"word\" value=\"", m.word(), "\" />\n"),
		p("password", "deploy.yaml", "env:\n- name: DB_PASS"+"WORD\n  value: ", m.word(), "\n"),
		p("password", "unit.service", "[Service]\nEnvironment=\"DB_PASS"+"=", m.word(), "\"\n"),
		p("password", "wpa_supplicant.conf", "network={\n ssid=\"x\"\n ps"+"k=\"", "coffee and cake", "\"\n}\n"),
		p("password", ".my.cnf", "[client]\npass"+"word=", m.of(small, 4)+m.of(digits, 3), "\n"),
		p("password", "wp-config.php", "define('DB_PASS"+"WORD', '", m.word(), "');\n"),
		p("password", "db.php", "<?php\n$pass"+"word = '", m.word(), "';\n"),
		p("password", "Db.php", "class Db {\n  private static $dbPass"+"word = '", m.word(), "';\n"),
		p("password", "backup.pl", "my $pass"+"wd = \"", m.word(), "\";\n"),
		p("password", "deploy.ps1", "[string]$Pass"+"word = \"", m.word(), "\"\r\n"),
		p("password", "login.ps1", "\ufeff$Pass"+"word = '", m.word(), "'\r\n"),
		p("password", "client.rb", "  @db_pass"+"word = '", m.word(), "'\n"),
		p("twilio-key", "sms.js", "const sms = require(\"twi"+"lio\")(\"AC"+m.of(hexes, 32)+"\", \"", m.of(hexes, 32), "\");\n"),
		p("password", "Dockerfile", "FROM x\nENV DB_PASS"+"WORD ", m.word(), "\n"),
		p("password", "app.conf", "pass"+"word = ", m.of(small, 6)+"-"+m.of(small, 5)+"-"+m.of(small, 6)+"-"+m.of(small, 5), "\n"),
		p("config-password", "ldap.conf", "uri ldap://x.example.org\nbind"+"pw ", m.word(), "\n"),
		p("config-password", "redis.conf", "require"+"pass ", m.word(), "\n"),
		p("url-password", "app.env", "REDIS_URL=redis://:", m.of(alnum, 12), "@cache.example.org\n"),
		p("command-login", "dump.sh", "mysql"+"dump -u root -p", m.word(), " app\n"),
		p("secret-value", "app.env", "SECRET"+"_KEY=", m.of(alnum, 50), "\n"),
		p("secret-value", "settings.py", "SECRET"+"_KEY = '", "x7"+m.of(small+digits+"!@#$%^&*(-_=+)", 48), "'\n"),
		p("secret-value", "api.yaml", "api"+"_key: ", m.of(hexes, 32), "\n"),
		p("secret-value", "kubeconfig", "  user:\n    to"+"ken: ", m.of(alnum, 64), "\n"),
		p("secret-value", "app.toml", "client_"+"secret = \"", m.of(alnum, 40), "\"\n"),
		p("netrc", ".netrc", "machine git.example.org login bob pass"+"word ", m.word(), "\n"),
		p("netrc", "auth.conf", "machine apt.example.org/debian login bob pass"+"word ", m.of(small, 10), "\n"),
		p("pgpass", ".pgpass", "db.example.org:5432:app:bob:", m.word(), "\n"),
		p("url-password", "app.conf", "url: postgres://bob:", m.of(alnum, 12), "@db.example.org/app\n"),
		p("url-password", ".git-credentials", "https://bob:", m.of(alnum, 12), "@git.example.org\n"),
		p("tsig-key", "rndc.key", "key \"rndc-key\" {\n\talgorithm hmac-sha256;\n\tsec"+"ret \"", m.base64(32), "\";\n};\n"),
		p("secret-file", ".erlang.cookie", "", m.of(capital, 20), ""),
		p("secret-file", "chap-secrets", "bob * ", m.word(), " *\n"),
		p("command-login", "fetch.sh", "cu"+"rl -u bob:", m.word(), " https://x.example.org\n"),
	}
}

func hashesOf(m maker) []planted {
	crypt := "./" + alnum
	h := func(rule, file, before, value, after string) planted {
		return planted{rule, file, before + value + after, value}
	}
	return []planted{
		h("password-hash", "shadow", "root:", "$"+"6$"+m.of(crypt, 16)+"$"+m.of(crypt, 86), ":19000:0:99999:7:::\n"),
		h("password-hash", "shadow", "root:", "$"+"y$j9T$"+m.of(crypt, 22)+"$"+m.of(crypt, 43), ":19000:0:99999:7:::\n"),
		h("password-hash", "shadow-", "bob:!", "$"+"5$"+m.of(crypt, 16)+"$"+m.of(crypt, 43), ":19000:0:99999:7:::\n"),
		h("shadow-password", "shadow", "old:", m.of(crypt, 13), ":19000:0:99999:7:::\n"),
		h("password-hash", ".htpasswd", "bob:", "$"+"apr1$"+m.of(crypt, 8)+"$"+m.of(crypt, 22), "\n"),
		h("password-hash", "users.htpasswd", "bob:", "$"+"2y$10$"+m.of(crypt, 53), "\n"),
		h("password-hash", "ldif", "userPassword: ", "{SS"+"HA}"+m.base64(24), "\n"),
		h("password-hash", "preseed.cfg", "d-i passwd/root-password-crypted password ", "$"+"6$"+m.of(crypt, 8)+"$"+m.of(crypt, 86), "\n"),
		h("password-hash", "grub.cfg", "password_pbkdf2 root ", "grub.pbk"+"df2.sha512.10000."+strings.ToUpper(hex.EncodeToString(m.bytes(64)))+"."+strings.ToUpper(hex.EncodeToString(m.bytes(64))), "\n"),
	}
}

// Every kind is found, in the file in which it stands, under its own name, and none
// is told.
func TestCorpus(t *testing.T) {
	t.Parallel()
	list := corpus(t)
	kinds := map[string]bool{}
	found := 0
	for i, p := range list {
		kinds[p.rule] = true
		ok := false
		for _, f := range secrets.Bytes(p.file, []byte(p.text)) {
			ok = ok || f.Rule == p.rule
			if p.value != "" && len(p.value) > 8 && strings.Contains(f.String(), p.value) {
				t.Errorf("%d: %s tells the secret", i, f.Rule)
			}
		}
		if ok {
			found++
			continue
		}
		t.Logf("%d: %s in %s is not found; found are %v\n%.200q", i, p.rule, p.file, secrets.Bytes(p.file, []byte(p.text)), p.text)
	}
	if len(list) < 60 || len(kinds) < 20 {
		t.Errorf("the corpus has %d secrets of %d kinds", len(list), len(kinds))
	}
	if found*100 < len(list)*95 {
		t.Errorf("%d of %d secrets are found", found, len(list))
	}
	t.Logf("%d of %d secrets of %d kinds", found, len(list), len(kinds))
}

// What is found does not depend on what is before it, on how the file is read, nor on
// what else is in it.
func TestWindows(t *testing.T) {
	t.Parallel()
	filler := bytes.Repeat([]byte("nothing to be seen in this line\n"), 8<<10+16) // 256.5 KiB
	for _, p := range corpus(t) {
		want := secrets.Bytes(p.file, []byte(p.text))
		switch p.rule {
		case "pgpass", "shadow-password", "keystore", "kerberos-keytab", "secret-file", "der-private-key", "mail-login":
			continue // go by the beginning of the file, or are binary
		}
		for _, at := range []int{1 << 10, 256<<10 - 4096 - 32, 256<<10 - 4096, 256<<10 - 320, 256<<10 - 32, 256 << 10} {
			text := append(append(append([]byte{}, filler[:at]...), p.text...), filler[:100<<10]...)
			got, _, err := secrets.Scan(p.file, iotest.HalfReader(bytes.NewReader(text)))
			if err != nil || len(got) != len(want) {
				t.Fatalf("%s in %s at byte %d: %v, %v; want %v", p.rule, p.file, at, got, err, want)
			}
			for i, f := range got {
				if f.Rule != want[i].Rule || f.Offset != want[i].Offset+int64(at) || f.Line != want[i].Line+at/32 || f.Column != want[i].Column {
					t.Fatalf("at byte %d: %v, want %v further on", at, f, want[i])
				}
			}
		}
	}
}

// Among the strings of a program, tokens and keys are found as in a text.
func TestBinary(t *testing.T) {
	t.Parallel()
	total, found := 0, 0
	for _, p := range append(keysOf(t, maker{randv2.New(randv2.NewPCG(3, 4))}), tokensOf(maker{randv2.New(randv2.NewPCG(3, 4))})...) {
		switch p.rule {
		case "keystore", "kerberos-keytab", "ssh-host-key":
			continue
		}
		total++
		text := "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00" + strings.Repeat("\x00\x11\x22printf", 500) + "\x00" + p.text + "\x00" + strings.Repeat("\x00\x11\x22printf", 500)
		for _, f := range secrets.Bytes("app", []byte(text)) {
			if f.Rule == p.rule && f.Line == 0 {
				found++
				break
			}
		}
	}
	if found*100 < total*95 {
		t.Errorf("%d of %d are found", found, total)
	}
	word := "Tr0ub" + "4dor!x"
	if got := secrets.Bytes("app", []byte("\x7fELF\x00\x00SMTP_PASS"+"WORD="+word+"\x00")); len(got) != 1 {
		t.Errorf("a password in a program: %v", got)
	}
}

// What looks like a secret and is none.
func TestLookAlikes(t *testing.T) {
	t.Parallel()
	m := maker{randv2.New(randv2.NewPCG(5, 6))}
	pub := "PUBLIC" + " KEY"
	for i, row := range []struct{ file, text string }{
		{"cert.pem", block("CERTIFICATE", m.bytes(900))},
		{"pub.pem", block(pub, m.bytes(300))},
		{"pub.pem", block("RSA "+pub, m.bytes(300))},
		{"csr.pem", block("CERTIFICATE REQUEST", m.bytes(300))},
		{"doc.txt", "-----BEGIN RSA " + key + "-----\n...\n-----END RSA " + key + "-----\n"},
		{"doc.txt", "-----BEGIN " + key + "-----\nMIIE...\n-----END " + key + "-----\n"},
		{"doc.txt", "-----BEGIN " + key + "-----\n" + strings.Repeat("x", 64) + "\n-----END " + key + "-----\n"},
		{"keyring.asc", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + m.base64(500) + "\n-----END PGP PUBLIC KEY BLOCK-----\n"},
		{"authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + m.of(alnum, 43) + " bob\n"},
		{"ssh_host_ed25519_key.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + m.of(alnum, 43) + " root\n"},
		{"shadow", "root:*:19000:0:99999:7:::\nbob:!:19000::::::\ndaemon:!*:19000:0:99999:7:::\nx::19000:0:99999:7:::\n"},
		{"passwd", "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"},
		{"nsswitch.conf", "passwd:         files systemd\nshadow:         files\n"},
		{"common-password", "password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt\npassword\trequired\tpam_permit.so\n"},
		{"login.defs", "PASS_MAX_DAYS\t99999\nPASS_MIN_DAYS 0\nPASS_WARN_AGE 7\nENCRYPT_METHOD YESCRYPT\n"},
		{".env", "DB_PASS" + "WORD=changeme\nAPI_KEY=your-api-key-here\nTOKEN=xxxxxxxxxxxxxxxxxxxx\n"},
		{".env", "DB_PASS" + "WORD=${DB_PASSWORD}\nX_SECRET=$(cat /run/secrets/x)\nPASS=$1\nTOKEN={{ token }}\n"},
		{"app.yaml", "password: <your password>\npassword: \"\"\npassword: null\nsecret: !vault |\ntoken: ${TOKEN:-}\n"},
		{"app.yaml", "passwordFile: /run/secrets/db-password-1\ntoken_url: https://auth.example.org/v2/token1234567890abc\n"},
		{"k8s.yaml", "secretName: my-app-tls-2024\nsecretKeyRef: {name: db-credentials-v2, key: password}\n"},
		{"test.sh", "if [ $pass" + "word = \"Tr0ub4dor!x\" ]; then test \"$PASS\" = 'Tr0ub4dor!x'; fi\n"},
		{"login.php", "<?php if ($pass" + "word == 'Tr0ub4dor!x') { $password = $_POST['pw']; $password = \"$user-$salt\"; }\n"},
		{"main.py", "password = get_password(user)\ntoken = self.tokens[0]\nif password == other: pass\ndef f(password: str = None): ...\n"},
		{"main.go", "password := os.Getenv(\"DB_PASSWORD\")\ntoken, err := parse(x)\n"},
		{"main.c", "char *password = NULL; size_t password_len = 12; printf(\"password: %s\", password);\n"},
		{"po.txt", "Password: enter the password of the user\nToken: something that you have\n"},
		{"uuid.conf", "uuid=" + m.of(hexes, 8) + "-" + m.of(hexes, 4) + "-4" + m.of(hexes, 3) + "-9" + m.of(hexes, 3) + "-" + m.of(hexes, 12) + "\n"},
		{"sums", m.of(hexes, 64) + "  file.tar.gz\nsha256:" + m.of(hexes, 64) + "\nsha512-" + m.base64(64) + "\n"},
		{"package-lock.json", `{"integrity": "sha512-` + m.base64(64) + `", "resolved": "https://npm.example.org/a/-/a-1.0.0.tgz"}`},
		{"logo.css", "background: url(data:image/png;base64," + m.base64(3000) + ")"},
		{"random.bin", string(m.bytes(200000))},
		{"random.txt", m.base64(200000)},
		{"readme", "git clone https://user:password@git.example.org/x and postgres://user:pass@host/db, http://${USER}:${PASS}@x\n"},
		{"readme", "ssh://git@git.example.org:22/x mailto:bob@example.org http://example.org:8080/@scope/x\n"},
		{"aws.md", "AKIA" + "IOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY\n"},
		{"azurite.env", "AccountName=devstoreaccount1;Account" + "Key=Eby8vdM02xNOcqFl" + "qUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6" + "tq/K1SZFPTOtr/KBHBeksoGMGw==\n"},
		{"hash.md", "a hash of crypt(5) looks like $" + "6$salt$hash, bcrypt like $" + "2b$12$...\n"},
		{"machine-id", m.of(hexes, 32) + "\n"},
		{"i18n.json", `{"password": "Password", "passwordHint": "At least 8 characters", "token": "Jeton"}`},
		{"form.html", `<input type="password" name="password" placeholder="Password123"><label for="password">Password:</label>`},
		{"sshd_config", "PasswordAuthentication no\nPermitRootLogin prohibit-password\nHostKey /etc/ssh/ssh_host_ed25519_key\n"},
		{"asm.json", `{"PublicKeyToken": "b77a5c561934e089", "public_key": "` + m.base64(32) + `"}`},
		{"cacerts", "\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x80\x00\x00\x00\x02" + string(m.bytes(300))},
		{"ca-certificates.crt", strings.Repeat(block("CERTIFICATE", m.bytes(900)), 20)},
		{"_mount", "_comp_compgen -a -- -W 'user= pass" + "word= credentials='\n"},
		{"settings.ini", "password_min_length = 12\ntoken_lifetime = 86400\nsecret_rotation_days=30\n"},
	} {
		if got := secrets.Bytes(row.file, []byte(row.text)); len(got) > 0 {
			t.Errorf("%d: %s: %v\n%.200q", i, row.file, got, row.text)
		}
	}
}

// Long lists end, and memory is bounded.
func TestMost(t *testing.T) {
	t.Parallel()
	m := maker{randv2.New(randv2.NewPCG(7, 8))}
	var b strings.Builder
	for range secrets.MostFindings + 500 {
		fmt.Fprintf(&b, "X=%s\n", "gh"+"p_"+m.of(alnum, 36))
	}
	if got := secrets.Bytes("tokens", []byte(b.String())); len(got) != secrets.MostFindings {
		t.Errorf("%d findings", len(got))
	}
}

// A reader's error is handed on.
func TestReadError(t *testing.T) {
	t.Parallel()
	if _, _, err := secrets.Scan("x", iotest.ErrReader(fmt.Errorf("no more"))); err == nil || err.Error() != "no more" {
		t.Errorf("error %v", err)
	}
}

// Nothing makes a scan fail; findings are in order, in the file, and tell nothing;
// however the file is read they are the same.
func FuzzScan(f *testing.F) {
	for _, p := range corpus(f) {
		f.Add(p.file, []byte(p.text))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		list := secrets.Bytes(name, text)
		last := int64(-1)
		for _, g := range list {
			if g.Offset <= last || g.Offset >= int64(len(text)) || len(g.Masked) > 100 {
				t.Fatalf("%v after %d", g, last)
			}
			last = g.Offset
		}
		again, _, err := secrets.Scan(name, iotest.OneByteReader(bytes.NewReader(text)))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(list) {
			t.Fatalf("read byte by byte: %v, %v; else %v", again, err, list)
		}
	})
}

// The corpus of a measurement: text of all kinds, a program, and a few secrets.
func BenchmarkScan(b *testing.B) {
	m := maker{randv2.New(randv2.NewPCG(9, 10))}
	var text bytes.Buffer
	for _, p := range corpus(b) {
		text.WriteString(p.text)
	}
	words := strings.Fields("the password of a user is not here but the token and secret of an api key may pass through https://www.example.org/path for x in y: self.z = func(a, b) { return }")
	for text.Len() < 16<<20 {
		text.WriteString(words[m.IntN(len(words))])
		text.WriteByte(" \n"[m.IntN(2)])
	}
	for _, row := range []struct {
		name string
		text []byte
	}{{"text", text.Bytes()}, {"binary", m.bytes(16 << 20)}} {
		b.Run(row.name, func(b *testing.B) {
			b.SetBytes(int64(len(row.text)))
			for b.Loop() {
				secrets.Bytes("x", row.text)
			}
		})
	}
}
