package drills_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// probe is a program that reads what programs need from an image, and the line
// that it prints: its own user, CA roots, a time zone; and that the root is
// read-only.
type probe struct {
	command []string
	want    string
}

const probeGo = `package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/user"
	"time"
)

func main() {
	roots, err := x509.SystemCertPool()
	if err != nil {
		panic(err)
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	me, err := user.Current()
	if err != nil {
		panic(err)
	}
	_, err = os.Create("/probe")
	fmt.Printf("uid=%s user=%s roots=%t zone=%s read-only=%t\n", me.Uid, me.Username, !roots.Equal(x509.NewCertPool()), zone, err != nil)
}
`

// probeC loads OpenSSL as it runs: what compiles it need not have its headers.
const probeC = `#include <dlfcn.h>
#include <stdio.h>
#include <pwd.h>
#include <unistd.h>
#include <gnu/libc-version.h>

static int roots(void) {
	void *lib = dlopen("libcrypto.so.3", RTLD_NOW);
	if (!lib) return -1;
	void *(*make)(void) = (void *(*)(void))dlsym(lib, "X509_STORE_new");
	int (*load)(void *) = (int (*)(void *))dlsym(lib, "X509_STORE_set_default_paths");
	void *(*objects)(void *) = (void *(*)(void *))dlsym(lib, "X509_STORE_get0_objects");
	int (*count)(void *) = (int (*)(void *))dlsym(lib, "OPENSSL_sk_num");
	if (!make || !load || !objects || !count) return -1;
	void *store = make();
	return load(store) ? count(objects(store)) : -1;
}

int main(void) {
	struct passwd *p = getpwuid(getuid());
	FILE *f = fopen("/probe", "w");
	printf("uid=%d user=%s glibc=%d openssl-roots=%d read-only=%d\n", getuid(), p ? p->pw_name : "?", gnu_get_libc_version()[0] == '2', roots() > 100, f == NULL);
	return 0;
}
`

const probePython = `import datetime, hashlib, json, os, pwd, sqlite3, ssl, sys, zoneinfo

roots = ssl.create_default_context().cert_store_stats()["x509_ca"] > 100
answer = sqlite3.connect(":memory:").execute("select json_extract(?, '$.a')", (json.dumps({"a": 42}),)).fetchone()[0]
zone = datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset()
try:
    open("/probe", "w")
    sealed = False
except OSError:
    sealed = True
print(f"uid={os.getuid()} user={pwd.getpwuid(os.getuid()).pw_name} roots={roots} sqlite={answer} "
      f"sha256={hashlib.sha256().hexdigest()[:8]} zone={zone} name={sys.version_info.major}.{sys.version_info.minor} read-only={sealed}")
`

// probeJava judges a root by the default trust store, and by one that lacks it.
const probeJava = `import java.io.*;
import java.security.KeyStore;
import java.security.cert.*;
import java.time.*;
import javax.net.ssl.*;

public class Probe {
	static X509TrustManager manager(KeyStore store) throws Exception {
		TrustManagerFactory f = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
		f.init(store);
		return (X509TrustManager) f.getTrustManagers()[0];
	}

	static boolean trusts(X509TrustManager m, X509Certificate c) {
		try {
			m.checkServerTrusted(new X509Certificate[] {c}, "RSA");
			return true;
		} catch (CertificateException e) {
			return false;
		}
	}

	static boolean sealed() {
		try {
			new FileOutputStream("/probe").close();
			return false;
		} catch (IOException e) {
			return true;
		}
	}

	public static void main(String[] args) throws Exception {
		X509TrustManager all = manager(null);
		X509Certificate[] roots = all.getAcceptedIssuers();
		KeyStore others = KeyStore.getInstance(KeyStore.getDefaultType());
		others.load(null, null);
		others.setCertificateEntry("other", roots[1]);
		SSLEngine client = SSLContext.getDefault().createSSLEngine();
		client.setUseClientMode(true);
		client.beginHandshake();
		System.out.println("user=" + System.getProperty("user.name") + " roots=" + (roots.length > 100)
			+ " trusted=" + trusts(all, roots[0]) + " stranger=" + trusts(manager(others), roots[0])
			+ " zone=" + ZoneId.of("Europe/Berlin").getRules().getOffset(Instant.parse("2024-07-01T00:00:00Z"))
			+ " name=" + Runtime.version().feature() + " read-only=" + sealed());
	}
}
`

// probes puts the programs into a folder that is mounted in the containers.
func probes(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module probe\n", "main.go": probeGo, "probe.c": probeC, "probe.py": probePython, "Probe.java": probeJava} {
		write(t, filepath.Join(dir, name), text)
	}
	cmd := exec.Command("go", "build", "-o", "static", ".")
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	output(t, cmd)
	run(t, dir, "gcc", "-o", "dynamic", "probe.c", "-ldl")
	run(t, dir, "javac", "--release", "17", "Probe.java")
	run(t, dir, "chmod", "-R", "a+rX", dir)
	return dir
}
