package bake

import (
	"errors"
	"io/fs"
	"path/filepath"

	"kiln"
	"kiln/internal/disk"
	"kiln/internal/recipe"
)

// detachedFolder is where, beside the recipe, what is to be signed elsewhere is written, and its
// signatures are looked for.
const detachedFolder = "secureboot"

// signer is who signs what the firmware starts; nil where the recipe names none.
func (o Options) signer(r *recipe.Recipe) (disk.Signer, error) {
	s := r.System.Disk.SecureBoot
	if s.Certificate == "" {
		return nil, nil
	}
	certificate, err := secureBootFile(r, "certificate", s.Certificate)
	if err != nil {
		return nil, err
	}
	parsed, err := disk.ParseCertificate(certificate, o.Now)
	if err != nil {
		return nil, r.Refuse("system.disk.secureboot.certificate", err)
	}
	if s.Key != "" {
		key, err := secureBootFile(r, "key", s.Key)
		if err != nil {
			return nil, err
		}
		made, err := disk.NewLocalSigner(key, certificate, o.Now)
		return made, r.Refuse("system.disk.secureboot.key", err)
	}
	return &disk.DetachedSigner{Cert: parsed, Dir: filepath.Join(filepath.Dir(r.Path()), detachedFolder)}, nil
}

// updateKey is who signs updates; nil where the recipe names none.
func updateKey(r *recipe.Recipe) (*disk.UpdateKey, error) {
	u := r.System.Disk.Update
	if u == nil || u.Key == "" {
		return nil, nil
	}
	b, err := r.ReadFile(u.Key)
	if err != nil {
		return nil, r.Refuse("system.disk.update.key", &kiln.Error{Code: kiln.User, Text: err.Error(), Err: err, Hints: []string{"make a key: gpg --quick-gen-key updates, and export it: gpg --export-secret-keys updates > " + u.Key}})
	}
	key, err := disk.ParseUpdateKey(b, nil)
	return key, r.Refuse("system.disk.update.key", err)
}

// secureBootFile reads a file that system.disk.secureboot names.
func secureBootFile(r *recipe.Recipe, key, name string) ([]byte, error) {
	b, err := r.ReadFile(name)
	if err == nil {
		return b, nil
	}
	e := &kiln.Error{Code: kiln.User, Text: err.Error(), Err: err}
	if errors.Is(err, fs.ErrNotExist) {
		e.Hints = []string{
			"make a key and its certificate: openssl req -new -x509 -newkey rsa:2048 -noenc -keyout db.key -out db.crt -days 3650 -subj /CN=db",
			"where the key is kept elsewhere, leave key: out: what is to be signed is then written",
		}
	}
	return nil, r.Refuse("system.disk.secureboot."+key, e)
}
