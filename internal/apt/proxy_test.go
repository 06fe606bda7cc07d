package apt_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"kiln/internal/apt/apttest"
)

// TestProxy runs TestProxyClient in a process of its own, because the standard
// library reads the proxy variables once.
func TestProxy(t *testing.T) {
	site := apttest.Serve(t, apttest.New(honest()))
	var direct, through atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host == "" {
			direct.Add(1)
		} else if r.URL.Host == "archive.example.org" {
			through.Add(1)
		}
		site.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	rows := []struct {
		address, noProxy string
		want             string
	}{
		{"http://archive.example.org/debian", "", "PASS"},
		{"http://archive.example.org/debian", "other.example.org", "PASS"},
		{"http://inside.example.invalid/debian", ".example.invalid", "FAIL"},
	}
	for _, row := range rows {
		cmd := exec.Command(os.Args[0], "-test.run=^TestProxyClient$", "-test.v")
		cmd.Env = append(os.Environ(), "KILN_TEST_ARCHIVE="+row.address, "http_proxy="+proxy.URL, "no_proxy="+row.noProxy, "KILN_TEST=")
		out, err := cmd.CombinedOutput()
		if got := map[bool]string{true: "PASS", false: "FAIL"}[err == nil]; got != row.want {
			t.Errorf("%s with no_proxy=%q: %s, want %s\n%s", row.address, row.noProxy, got, row.want, out)
		}
		if row.want == "FAIL" && !strings.Contains(string(out), "inside.example.invalid") {
			t.Errorf("failed in another way:\n%s", out)
		}
	}
	if through.Load() == 0 || direct.Load() != 0 {
		t.Errorf("%d requests through the proxy, %d direct", through.Load(), direct.Load())
	}
}

// TestProxyClient is the other half of TestProxy; alone, it talks to a server
// directly, which no proxy variable must change.
func TestProxyClient(t *testing.T) {
	b := newBench(t, honest())
	if a := os.Getenv("KILN_TEST_ARCHIVE"); a != "" {
		b.pocket.URL = a
		b.client.Retry.Attempts = 1
	}
	rel, err := b.client.Release(context.Background(), b.pocket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.Indexes(context.Background(), b.pocket, rel, "amd64"); err != nil {
		t.Fatal(err)
	}
}
