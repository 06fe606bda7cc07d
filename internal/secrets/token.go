package secrets

import (
	"bytes"
)

// tokenRules are tokens of services, each known by how it begins.
func tokenRules() []Rule {
	var list []Rule
	for _, t := range tokens() {
		list = append(list, t.rule())
	}
	return append(list,
		Rule{Name: "slack-webhook", What: "an incoming webhook of Slack", anchors: []string{"hooks.slack.com/"}, match: slackWebhook},
		Rule{Name: "discord-webhook", What: "a webhook of Discord", anchors: []string{"/api/webhooks/"}, match: discordWebhook},
		Rule{Name: "twilio-key", What: "an auth token or API key of Twilio", anchors: []string{"twilio"}, match: twilio},
		Rule{Name: "teams-webhook", What: "an incoming webhook of Microsoft Teams", anchors: []string{"webhook.office.com/webhookb2/"}, match: teamsWebhook},
		Rule{Name: "firebase-key", What: "a server key of Firebase Cloud Messaging", anchors: []string{":apa91b"}, match: firebaseKey},
		Rule{Name: "bootstrap-token", What: "a token with which a node joins a Kubernetes cluster", anchors: []string{"--token ", "--token=", "token-id: "}, match: bootstrapToken},
		Rule{Name: "telegram-token", What: "a token of a Telegram bot", anchors: []string{":aa"}, match: telegram},
		Rule{Name: "mailchimp-key", What: "an API key of Mailchimp", anchors: []string{"-us"}, match: mailchimp},
		Rule{Name: "terraform-token", What: "a token of Terraform Cloud", anchors: []string{".atlasv1."}, match: terraform},
		Rule{Name: "tailscale-state", What: "a private key in Tailscale's state", anchors: []string{"privkey:"}, match: tailscaleState},
	)
}

func tokens() []token {
	return []token{
		{"github-token", "a token of GitHub", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}, alphanumeric, 36, 255, 0},
		{"github-token", "a fine-grained token of GitHub", []string{"github_pat_"}, wordSet, 70, 100, 0},
		{"gitlab-token", "a token of GitLab", []string{"glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glimt-", "glagent-", "gloas-"}, setOf("A-Za-z0-9_.-"), 20, 300, 2.5},
		{"npm-token", "a token of npm", []string{"npm_"}, alphanumeric, 36, 36, 0},
		{"pypi-token", "a token of PyPI", []string{"pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"}, urlSafe, 50, 1000, 0},
		{"rubygems-token", "a key of RubyGems", []string{"rubygems_"}, hexSet, 48, 48, 0},
		{"crates-token", "a token of a Cargo registry", []string{"cio"}, alphanumeric, 32, 32, 3.5},
		{"docker-hub-token", "a token of Docker Hub", []string{"dckr_pat_", "dckr_oat_"}, urlSafe, 27, 40, 0},
		{"slack-token", "a token of Slack", []string{"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxo-", "xoxe.xoxp-", "xoxe.xoxb-"}, setOf("A-Za-z0-9-"), 20, 300, 2.5},
		{"slack-token", "an app-level token of Slack", []string{"xapp-"}, setOf("A-Za-z0-9-"), 40, 300, 2.5},
		{"stripe-key", "a secret or restricted key of Stripe", []string{"sk_live_", "rk_live_", "sk_test_", "rk_test_", "sk_prod_", "rk_prod_"}, alphanumeric, 20, 250, 0},
		{"stripe-webhook-secret", "a signing secret of Stripe's webhooks", []string{"whsec_"}, setOf("A-Za-z0-9+/="), 32, 60, 0},
		{"sendgrid-key", "an API key of SendGrid", []string{"SG."}, setOf("A-Za-z0-9_.-"), 60, 70, 4},
		{"mailgun-key", "an API key of Mailgun", []string{"key-"}, setOf("a-f0-9"), 32, 32, 0},
		{"vault-token", "a token of HashiCorp Vault", []string{"hvs.", "hvb.", "hvr."}, urlSafe, 24, 300, 0},
		{"tailscale-key", "a key of Tailscale", []string{"tskey-auth-", "tskey-api-", "tskey-client-", "tskey-scim-", "tskey-webhook-", "tskey-"}, setOf("A-Za-z0-9-"), 20, 120, 0},
		{"shopify-token", "a token of Shopify", []string{"shpat_", "shpca_", "shppa_", "shpss_"}, hexSet, 32, 32, 0},
		{"square-token", "a token of Square", []string{"sq0atp-", "sq0csp-"}, urlSafe, 22, 60, 0},
		{"grafana-token", "a token of Grafana", []string{"glsa_"}, wordSet, 41, 41, 0},
		{"grafana-token", "a token of Grafana Cloud", []string{"glc_"}, base64Any, 32, 400, 0},
		{"new-relic-key", "a key of New Relic", []string{"NRAK-", "NRII-", "NRJS-"}, setOf("A-Za-z0-9_-"), 19, 40, 0},
		{"postman-key", "an API key of Postman", []string{"PMAK-"}, setOf("a-f0-9-"), 59, 59, 0},
		{"pulumi-token", "a token of Pulumi", []string{"pul-"}, setOf("a-f0-9"), 40, 40, 0},
		{"doppler-token", "a token of Doppler", []string{"dp.pt.", "dp.st.", "dp.ct.", "dp.sa."}, setOf("A-Za-z0-9_."), 40, 80, 0},
		{"planetscale-token", "a password or token of PlanetScale", []string{"pscale_pw_", "pscale_tkn_", "pscale_oauth_"}, setOf("A-Za-z0-9_.=-"), 32, 64, 0},
		{"linear-key", "an API key of Linear", []string{"lin_api_", "lin_oauth_"}, alphanumeric, 40, 64, 0},
		{"huggingface-token", "a token of Hugging Face", []string{"hf_"}, alphanumeric, 34, 40, 3.5},
		{"sk-key", "an API key of the form sk-...", []string{"sk-"}, urlSafe, 40, 220, 4},
		{"sentry-token", "a token of Sentry", []string{"sntrys_", "sntryu_"}, base64Any, 60, 400, 0},
		{"atlassian-token", "a token of Atlassian", []string{"ATATT3", "ATCTT3"}, base64Any, 60, 300, 0},
		{"dynatrace-token", "a token of Dynatrace", []string{"dt0c01.", "dt0s01."}, setOf("A-Z0-9.a-z"), 85, 95, 0},
		{"heroku-key", "an API key of Heroku", []string{"HRKU-"}, setOf("A-Za-z0-9_-"), 36, 70, 0},
		{"flyio-token", "a token of Fly.io", []string{"fo1_", "fm1_", "fm2_"}, base64Any, 40, 1000, 0},
		{"sonarqube-token", "a token of SonarQube", []string{"sqp_", "squ_", "sqa_"}, hexSet, 40, 40, 0},
		{"nuget-key", "an API key of NuGet", []string{"oy2"}, setOf("a-z0-9"), 43, 43, 3.5},
		{"paypal-token", "an access token of Braintree or PayPal", []string{"access_token$production$", "access_token$sandbox$"}, setOf("a-z0-9$"), 45, 60, 0},
		{"facebook-token", "an access token of Facebook", []string{"EAACEdEose0cBA"}, alphanumeric, 30, 300, 0},
	}
}

// found tells where a pattern stands in the text after from, as a match of a rule:
// the first group where there is one.
func (p *probe) found(f form, from, most int) (int, int, bool) {
	m := f().FindSubmatchIndex(p.text[from:min(len(p.text), from+most)])
	if m == nil {
		return 0, 0, false
	}
	if len(m) > 2 {
		m = m[2:]
	}
	return from + m[0], from + m[1], true
}

var (
	slackForm    = newForm(`^(?:services|workflows|triggers)/([A-Za-z0-9+/]{40,60})`)
	discordForm  = newForm(`^[0-9]{17,20}/([A-Za-z0-9_-]{60,70})`)
	twilioForm   = newForm(`(?i)^(?:[a-z0-9_.-]{0,30}["']?[ \t]{0,8}[=:]>?[ \t]{0,8}["']?|["')( \t]{1,12}AC[0-9a-f]{32}["'],[ \t]{0,8}["'])(SK[0-9a-f]{32}|[0-9a-f]{32})\b`)
	teamsForm    = newForm(`^[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/([0-9a-f]{32})`)
	joinForm     = newForm(`^--token[ =]([a-z0-9]{6}\.[a-z0-9]{16})\b`)
	telegramForm = newForm(`^:(AA[A-Za-z0-9_-]{33})(?:[^A-Za-z0-9_-]|$)`)
)

func slackWebhook(p *probe) (int, int, bool) {
	from, to, ok := p.found(slackForm, p.end, 80)
	return from, to, ok && entropy(p.text[from:to]) >= leastRandom && !isExample(p.text[from:to])
}

func discordWebhook(p *probe) (int, int, bool) { return p.found(discordForm, p.end, 100) }

func twilio(p *probe) (int, int, bool) {
	from, to, ok := p.found(twilioForm, p.end, 120)
	return from, to, ok && entropy(p.text[from:to]) >= leastRandom
}

func teamsWebhook(p *probe) (int, int, bool) { return p.found(teamsForm, p.end, 200) }

// firebaseKey finds eleven characters before the anchor and 134 in it and behind it.
func firebaseKey(p *probe) (int, int, bool) {
	from := p.at
	for from > 0 && p.at-from < 12 && urlSafe[p.text[from-1]] {
		from--
	}
	n := urlSafe.run(p.text, p.at+1, 200)
	return from, p.at + 1 + n, p.at-from == 11 && n >= 130 && n <= 145 && p.is(":APA91b")
}

func bootstrapToken(p *probe) (int, int, bool) {
	from, to, ok := p.found(joinForm, p.at, 60)
	return from, to, ok && !isExample(p.text[from:to]) && entropy(p.text[from:to]) >= leastRandom && !bytes.HasPrefix(p.text[from:], []byte("abcdef."))
}

func telegram(p *probe) (int, int, bool) {
	digits := 0
	for p.at-digits > 0 && digitSet[p.text[p.at-digits-1]] {
		digits++
	}
	if digits < 8 || digits > 10 || !p.starts(p.at-digits) {
		return 0, 0, false
	}
	from, to, ok := p.found(telegramForm, p.at, 40)
	return from, to, ok && entropy(p.text[from:to]) >= 3.5
}

// mailchimp finds 32 digits before the name of the data centre: -us12.
func mailchimp(p *probe) (int, int, bool) {
	from := p.at
	for from > 0 && p.at-from < 33 && hexSet[p.text[from-1]] {
		from--
	}
	n := digitSet.run(p.text, p.end, 3)
	ok := p.at-from == 32 && p.is("-us") && p.starts(from) && n >= 1 && n <= 2 && p.ends(p.end+n, wordSet) && entropy(p.text[from:p.at]) >= leastRandom
	return from, p.end + n, ok
}

func terraform(p *probe) (int, int, bool) {
	from := p.at
	for from > 0 && p.at-from < 20 && alphanumeric[p.text[from-1]] {
		from--
	}
	n := urlSafe.run(p.text, p.end, 80)
	return from, p.end + n, p.at-from == 14 && n >= 60 && entropy(p.text[p.end:p.end+n]) >= 3.5
}

// tailscaleState finds "privkey:" and 32 bytes in hexadecimal digits, which are not all zero.
func tailscaleState(p *probe) (int, int, bool) {
	n := hexSet.run(p.text, p.end, 65)
	return p.at, p.end + n, n == 64 && entropy(p.text[p.end:p.end+n]) >= leastRandom && bytes.HasPrefix(p.text[p.at:], []byte("privkey:"))
}
