package secrets

import "bytes"

// cloudRules are the keys of cloud providers.
func cloudRules() []Rule {
	return []Rule{
		token{"aws-access-key-id", "an access key id of AWS, which comes with a secret", []string{"AKIA", "ASIA", "ABIA", "ACCA"}, setOf("A-Z2-7"), 16, 16, 0}.rule(),
		{Name: "aws-secret-key", What: "a secret access key or session token of AWS", anchors: []string{"secret_access_key", "secretaccesskey", "secret-access-key", "aws_secret", "aws_session_token"}, match: awsSecret},
		token{"gcp-api-key", "an API key of Google", []string{"AIza"}, urlSafe, 35, 35, 0}.rule(),
		token{"gcp-oauth-secret", "an OAuth client secret of Google", []string{"GOCSPX-"}, urlSafe, 28, 28, 0}.rule(),
		token{"gcp-oauth-token", "an OAuth access token of Google", []string{"ya29."}, urlSafe, 30, 3000, 0}.rule(),
		{Name: "azure-storage-key", What: "an account key of Azure Storage, Cosmos DB or Event Hubs", anchors: []string{"accountkey=", "sharedaccesskey=", "accountkey", "storage_key", "storagekey"}, match: azureKey},
		{Name: "azure-sas", What: "a shared access signature of Azure", anchors: []string{"sig="}, match: azureSAS},
		{Name: "azure-client-secret", What: "a client secret of Microsoft Entra ID", anchors: []string{"8q~", "7q~"}, match: azureClientSecret},
		token{"gcp-refresh-token", "an OAuth refresh token of Google", []string{"1//0"}, urlSafe, 40, 250, 3.5}.rule(),
		token{"digitalocean-token", "a token of DigitalOcean", []string{"dop_v1_", "doo_v1_", "dor_v1_"}, hexSet, 64, 64, 0}.rule(),
		token{"alibaba-access-key-id", "an access key id of Alibaba Cloud", []string{"LTAI"}, alphanumeric, 17, 22, 3.5}.rule(),
		token{"artifactory-key", "an API key of Artifactory", []string{"AKCp"}, alphanumeric, 60, 75, 0}.rule(),
		token{"databricks-token", "a token of Databricks", []string{"dapi"}, setOf("a-f0-9-"), 32, 34, 0}.rule(),
	}
}

// awsSecret finds the 40 characters after the name of the variable.
func awsSecret(p *probe) (int, int, bool) {
	i := p.end + wordSet.run(p.text, p.end, 20)
	spaces := assignSpace.run(p.text, i, 16)
	i += spaces
	n := base64Set.run(p.text, i, 3000)
	value := p.text[i : i+n]
	lower, upper, digit, _ := classes(value)
	ok := spaces > 0 && (n == 40 || n > 100) && lower > 0 && upper > 0 && digit > 0 && entropy(value) >= 3.5 && !isExample(value)
	return i, i + n, ok
}

// emulatorKey begins the account key of Microsoft's storage emulator, which everybody knows.
var emulatorKey = []byte("Eby8vdM02xNOcqFl")

func azureKey(p *probe) (int, int, bool) {
	i := p.end + assignSpace.run(p.text, p.end, 16)
	n := base64Set.run(p.text, i, 100)
	value := p.text[i : i+n]
	full := n == 88 && bytes.HasSuffix(value, []byte("==")) || n == 44 && bytes.HasSuffix(value, []byte("="))
	return i, i + n, full && entropy(value) >= 4 && !bytes.HasPrefix(value, emulatorKey)
}

// azureSAS finds the signature, an HMAC-SHA256 in base64, in a query that has the
// version of the service and the end of its validity.
func azureSAS(p *probe) (int, int, bool) {
	n := queryBase64.run(p.text, p.end, 80)
	value := p.text[p.end : p.end+n]
	full := bytes.HasSuffix(value, []byte("%3D")) || bytes.HasSuffix(value, []byte("%3d")) || bytes.HasSuffix(value, []byte("="))
	around := p.near(250, n+250)
	ok := n >= 43 && full && bytes.Contains(around, []byte("sv=")) && bytes.Contains(around, []byte("se="))
	return p.end, p.end + n, ok
}

var entraSecret = newForm(`^[A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}`)

func azureClientSecret(p *probe) (int, int, bool) {
	if p.at < 3 {
		return 0, 0, false
	}
	m := entraSecret().FindIndex(p.text[p.at-3 : min(len(p.text), p.at+60)])
	if m == nil || !p.starts(p.at-3) {
		return 0, 0, false
	}
	from, to := p.at-3, p.at-3+m[1]
	return from, to, p.ends(to, entraSet) && entropy(p.text[from:to]) >= 3.5
}
