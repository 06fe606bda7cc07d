package secrets_test

import (
	"encoding/base64"
	"strings"
)

// loginsOf are secrets in files and programs of all kinds, as people leave them there.
func loginsOf(m maker) []planted {
	p := func(rule, file, before, value, after string) planted {
		return planted{rule, file, before + value + after, value}
	}
	return []planted{
		p("gcp-refresh-token", "application_default_credentials.json", `{"refresh_token": "`, "1/"+"/0"+m.of(alnum, 60), `"}`),
		p("sonarqube-token", "ci.env", "T=", "sq"+"p_"+m.of(hexes, 40), "\n"),
		p("nuget-key", "push.sh", "nuget push -k ", "oy"+"2"+m.of(small+"234567", 43), "\n"),
		p("paypal-token", "pay.txt", "", "access_"+"token$production$"+m.of(small+digits, 16)+"$"+m.of(hexes, 32), "\n"),
		p("teams-webhook", "alert.txt", "https://x.webhook."+"office.com/webhookb2/"+uuid(m)+"@"+uuid(m)+"/IncomingWebhook/", m.of(hexes, 32), "/"+uuid(m)+"\n"),
		p("firebase-key", "fcm.js", `key = "`, m.of(alnum, 11)+":APA"+"91b"+m.of(alnum, 134), `"`),
		p("bootstrap-token", "join.sh", "kubeadm join 10.0.0.1:6443 --to"+"ken ", m.of(small+digits, 6)+"."+m.of(small+digits, 16), "\n"),
		p("ssh2-private-key", "id.ssh2", "", "---- BEGIN SSH2 ENCRYPTED "+key+" ----\nComment: \"x\"\n"+m.base64(300)+"\n---- END SSH2 ENCRYPTED "+key+" ----\n", ""),
		p("ansible-vault", "vault.yml", "", "$ANSIBLE"+"_VAULT;1.1;AES256\n"+m.of(hexes, 80)+"\n"+m.of(hexes, 80)+"\n", ""),
		p("secret-file", "production.key", "", m.of(hexes, 32), "\n"),
		p("secret-file", ".vault_pass", "", m.of(alnum, 24), "\n"),
		p("secret-file", "db-password.txt", "", m.word(), "\n"),
		p("npmrc-login", ".npmrc", "_au"+"th = ", base64.StdEncoding.EncodeToString([]byte("bob:"+m.word())), "\n"),
		p("mail-login", "sasl_passwd", "[smtp.example.org]:587 bob@example.org:", m.word(), "\n"),
		p("mail-login", "passwd.client", "*.example.org:bob:", m.word(), "\n"),
		p("terraform-password", "terraform.tfstate", `{"type": "random_`+`password", "instances": [{"attributes": {"length": 20, "result": "`, m.of(alnum, 20), `"}}]}`),
		p("ipsec-secret", "ipsec.secrets", `10.0.0.1 : P`+`SK "`, m.of(alnum, 32), "\"\n"),
		p("bundler-login", "config", "---\nBUNDLE_GEMS__EXAMPLE__ORG: \"bob:", m.word(), "\"\n"),
		p("wordpress-key", "wp-config.php", "define( 'AUTH"+"_KEY',         '", m.of(alnum+"!@#$%^&*()-_ []{}<>~+=,.;:/?|", 64), "' );\n"),
		p("password", "wp-config.php", "define( 'DB_PASS"+"WORD', '", m.word(), "' );\n"),
		p("gossip-key", "consul.hcl", `encr`+`ypt = "`, m.base64(32), "\"\n"),
		p("config-password", "snmpd.conf", "roco"+"mmunity ", m.of(alnum, 12), "\n"),
		p("config-password", ".msmtprc", "account x\npass"+"word ", m.word(), "\n"),
		p("config-password", ".fetchmailrc", "poll x user \"bob\" pass"+"word \"", m.word(), "\"\n"),
		p("password", "app.env", "DB_"+"PW=", m.word(), "\n"),
		p("password", "jdbc.properties", "url=jdbc:mysql://db:3306/app?user=bob&pass"+"word=", m.word(), "\n"),
		p("password", "db.py", `conn = connect("dbname=app user=bob pass`+`word=`, m.word(), ` host=db")`),
		p("password", "Db.cs", `new SqlConnection("Server=db;Database=a;User Id=sa;Pass`+`word=`, m.word(), `;");`),
		p("password", "web.config", `connectionString="Server=db;User Id=sa;P`+`WD=`, m.word(), `;" />`),
		p("password", "unattend.xml", "<AdministratorPass"+"word><Value>", m.word(), "</Value></AdministratorPassword>"),
		p("password", "sitemanager.xml", `<Pa`+`ss encoding="base64">`, base64.StdEncoding.EncodeToString([]byte(m.word())), "</Pass>"),
		p("password", "run.sh", "backup --pass"+"word ", m.word(), " --all\n"),
		p("password", "hosts.ini", "web ansible_user=root ansible_ssh_pa"+"ss=", m.word(), " ansible_port=22\n"),
		p("secret-value", "call.sh", "curl -H 'X-Api"+"-Key: ", m.of(hexes, 40), "' https://x.example.org\n"),
		p("secret-value", "call.sh", "curl -H 'PRIVATE-TO"+"KEN: ", m.of(alnum, 20), "' https://x.example.org\n"),
		p("secret-value", "app.ts", "const api"+"Key: string = '", m.of(alnum, 32), "';\n"),
		p("secret-value", ".env", "APP_"+"KEY=base64:", m.base64(32), "\n"),
		p("command-login", "probe.sh", "redis-cli -a ", m.word(), " ping\n"),
		p("command-login", "setup.sh", `echo "root:`, m.word(), `" | chpasswd`+"\n"),
		p("command-login", "setup.ps1", `$p = ConvertTo-Secure`+`String "`, m.word(), `" -AsPlainText -Force`+"\n"),
		p("command-login", "auth.js", `const t = jwt.si`+`gn(payload, "`, m.of(alnum, 32), `")`+"\n"),
		p("command-login", "client.ovpn", "<auth-user-"+"pass>\nbob\n", m.word(), "\n</auth-user-pass>\n"),
	}
}

func uuid(m maker) string {
	return strings.Join([]string{m.of(hexes, 8), m.of(hexes, 4), "4" + m.of(hexes, 3), "8" + m.of(hexes, 3), m.of(hexes, 12)}, "-")
}

// wrappedOf are secrets in base64.
func wrappedOf(m maker) []planted {
	p := func(file, before, text, after string) planted {
		return planted{"encoded-secret", file, before + base64.StdEncoding.EncodeToString([]byte(text)) + after, ""}
	}
	word := m.word()
	lines := base64.StdEncoding.EncodeToString([]byte("# " + strings.Repeat("the settings of the service ", 20) + "\nDB_PASS" + "WORD=" + word + "\n"))
	var folded strings.Builder
	for ; len(lines) > 76; lines = lines[76:] {
		folded.WriteString(lines[:76] + "\n  ")
	}
	folded.WriteString(lines + "\n")
	return []planted{
		p("secret.yaml", "kind: Secret\ndata:\n  url: ", "postgres://bob:"+m.of(alnum, 12)+"@db.example.org/app", "\n"),
		p("secret.yaml", "kind: Secret\ndata:\n  .dockerconfigjson: ", `{"auths": {"r.example.org": {"au`+`th": "`+base64.StdEncoding.EncodeToString([]byte("bob:"+m.word()))+`"}}}`, "\n"),
		p("token.txt", "t: ", "gh"+"p_"+m.of(alnum, 36), "\n"),
		p("run.sh", "echo ", "aws_secret"+"_access_key=Zq7"+m.of(b64, 37), " | base64 -d > ~/.aws/credentials\n"),
		{"encoded-secret", "user-data.yaml", "content: |\n  " + folded.String(), word},
	}
}
