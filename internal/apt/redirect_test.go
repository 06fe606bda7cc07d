package apt

import (
	"net/http"
	"net/url"
	"testing"
)

func TestRedirects(t *testing.T) {
	rows := []struct {
		from, to string
		ok       bool
	}{
		{"http", "http", true},
		{"http", "https", true},
		{"https", "https", true},
		{"https", "http", false},
		{"http", "file", false},
		{"https", "ftp", false},
	}
	for _, row := range rows {
		via := []*http.Request{{URL: &url.URL{Scheme: row.from, Host: "a.example.org"}}}
		err := checkRedirect(&http.Request{URL: &url.URL{Scheme: row.to, Host: "b.example.org"}}, via)
		if (err == nil) != row.ok {
			t.Errorf("from %s to %s: %v", row.from, row.to, err)
		}
	}
}
