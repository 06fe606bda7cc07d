package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kiln"
)

// TLSFunc gives the TLS settings for a host, with its port if that was named.
type TLSFunc func(host string) (*tls.Config, error)

// Certificates gives the TLS settings for hosts: the system's authorities, those in
// the file ca where it is given, and what stands in a folder named after the host
// (with its port) below one of the folders, as docker and podman keep it: *.crt is an
// authority, NAME.cert with NAME.key says who we are (containers-certs.d(5)).
func Certificates(ca string, folders []string) TLSFunc {
	return func(host string) (*tls.Config, error) {
		c := &tls.Config{MinVersion: tls.VersionTLS12}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		own := false
		if ca != "" {
			if err := addAuthority(roots, ca); err != nil {
				return nil, err
			}
			own = true
		}
		for _, folder := range folders {
			dir := filepath.Join(folder, host)
			entries, err := os.ReadDir(dir)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, certificateProblem(dir, err)
			}
			for _, e := range entries {
				path := filepath.Join(dir, e.Name())
				switch filepath.Ext(path) {
				case ".crt":
					if err := addAuthority(roots, path); err != nil {
						return nil, err
					}
					own = true
				case ".cert":
					pair, err := tls.LoadX509KeyPair(path, strings.TrimSuffix(path, "cert")+"key")
					if err != nil {
						return nil, certificateProblem(path, err)
					}
					c.Certificates = append(c.Certificates, pair)
				}
			}
		}
		if own {
			c.RootCAs = roots
		}
		return c, nil
	}
}

func addAuthority(roots *x509.CertPool, path string) error {
	text, err := os.ReadFile(path)
	if err == nil && !roots.AppendCertsFromPEM(text) {
		err = errors.New("it holds no certificate in PEM form")
	}
	if err != nil {
		return certificateProblem(path, err)
	}
	return nil
}

func certificateProblem(path string, err error) error {
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the certificate %q: %v", path, err), Err: err,
		Hints: []string{"make it readable, and PEM; of a client's NAME.cert, the key is NAME.key beside it"}}
}
