package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"kiln"
	"kiln/internal/durable"
)

// login is what an auth file is asked to keep or to drop.
type login struct {
	host, key string // the registry, and the registry or a part of it that the entry is for
	files     []string
}

func newLogin(files []string, ref Reference) login {
	l := login{host: ref.Host, key: ref.Host, files: files}
	if ref.Repository != "" {
		l.key = ref.Name()
	}
	return l
}

// keys are the keys that an entry for it may have.
func (l login) keys() []string {
	if l.key != l.host {
		return []string{l.key}
	}
	return authKeys(l.host, "")
}

// SaveLogin keeps a credential where AuthFiles(files) finds it: with the helper that a
// file names for the registry or for all, else in the first file that has an entry for
// it, else in the first that is there or can be made, readable by its owner alone. It
// returns where: the file, or the program.
func SaveLogin(ctx context.Context, files []string, ref Reference, cred Credential) (where string, err error) {
	l := newLogin(files, ref)
	file, helper, err := l.decides()
	if err != nil {
		return "", err
	}
	if helper != "" {
		if l.key != l.host {
			return "", &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot keep the login for %s: %q has a credential helper keep it, which knows whole registries only", l.key, file),
				Hints: []string{"kiln login " + l.host, "name another file: --authfile FILE"}}
		}
		if err := keep(ctx, helper, l.host, cred); err != nil {
			return "", err
		}
		// A password that stood there would be found before the helper's.
		_, err := l.edit(file, nil)
		return helperName(helper), err
	}
	entry, err := json.Marshal(map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(cred.Username + ":" + cred.Password))})
	if err != nil {
		return "", err
	}
	if file != "" {
		_, err := l.edit(file, entry)
		return file, err
	}
	var errs error
	for _, file := range files {
		if _, err = l.edit(file, entry); err == nil {
			return file, nil
		}
		errs = errors.Join(errs, err)
	}
	return "", errs
}

// decides finds the file that a credential for the registry is looked up in, and the
// helper that it names. Both are empty where there is no file.
func (l login) decides() (file, helper string, err error) {
	for _, path := range l.files {
		f, err := readAuthFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", l.problem(path, err)
		}
		if name := f.CredHelpers[l.host]; name != "" {
			return path, name, nil
		}
		for _, key := range l.keys() {
			if _, ok := f.Auths[key]; ok {
				return path, f.CredsStore, nil
			}
		}
		if f.CredsStore != "" {
			return path, f.CredsStore, nil
		}
		if file == "" {
			file = path
		}
	}
	return file, "", nil
}

// RemoveLogin drops what AuthFiles(files) finds for a registry, or a part of it, by this
// name. It returns where something was: files and programs.
func RemoveLogin(ctx context.Context, files []string, ref Reference) (where []string, err error) {
	l := newLogin(files, ref)
	for _, path := range files {
		f, err := readAuthFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return where, l.problem(path, err)
		}
		for _, name := range []string{f.CredHelpers[l.host], f.CredsStore} {
			if name == "" || l.key != l.host {
				continue
			}
			if c, err := ask(ctx, name, l.host); err != nil || c == (Credential{}) {
				if err != nil {
					return where, l.problem(path, err)
				}
				continue
			}
			if err := erase(ctx, name, l.host); err != nil {
				return where, l.problem(path, err)
			}
			where = append(where, helperName(name))
		}
		was, err := l.edit(path, nil)
		if err != nil {
			return where, err
		}
		if was {
			where = append(where, path)
		}
	}
	return where, nil
}

// edit puts the entry into a file in place of those that are there, or nothing where it
// is nil. All else that the file holds stays. was tells whether there were any.
func (l login) edit(path string, entry json.RawMessage) (was bool, err error) {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	doc, auths := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	case err == nil && len(bytes.TrimSpace(text)) > 0:
		if err = json.Unmarshal(text, &doc); err == nil && doc["auths"] != nil {
			err = json.Unmarshal(doc["auths"], &auths)
		}
		if err != nil {
			err = errForm
		}
	}
	if err != nil {
		return false, l.problem(path, err)
	}
	for _, key := range l.keys() {
		_, ok := auths[key]
		was = was || ok
		delete(auths, key)
	}
	if entry != nil {
		auths[l.key] = entry
	} else if !was {
		return false, nil
	}
	if doc["auths"], err = json.Marshal(auths); err != nil {
		return was, l.problem(path, err)
	}
	err = durable.WriteFile(path, 0o600, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "\t") // as docker and podman do
		return e.Encode(doc)
	})
	return was, l.problem(path, err)
}

func (l login) problem(path string, err error) error {
	if err == nil {
		return nil
	}
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot keep the logins of %s in %q: %v", l.host, path, err), Err: err,
		Hints: []string{"name another file: --authfile FILE"}}
}

// helperName is the program of a credential helper.
func helperName(name string) string { return "docker-credential-" + name }
