package certtool

import (
	"bufio"
	"context"
	"encoding/pem"
	"path"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

const (
	javaCertificates = "/usr/share/ca-certificates-java/ca-certificates-java.jar"
	javaStore        = "/etc/ssl/certs/java/cacerts"
)

// Java is java(1) for the two things that ca-certificates-java asks of it: whether
// it works, and its own program, which keeps the store of trusted certificates.
func Java(_ context.Context, c *command.Call) (int, error) {
	if slices.Equal(c.Args, []string{"-version"}) {
		return 0, nil
	}
	args := slices.DeleteFunc(slices.Clone(c.Args), func(a string) bool { return strings.HasPrefix(a, "-Xmx") })
	if len(args) != 4 || args[0] != "-jar" || args[1] != javaCertificates || args[2] != "-storepass" {
		return 1, c.Unhonoured("kiln runs no Java")
	}
	password := args[3]
	store := &keystore{}
	old, err := c.FS.ReadIfThere(javaStore)
	if err != nil {
		return 1, err
	}
	if len(old) > 0 {
		if store, err = readKeystore(old, password); err != nil {
			return 1, c.Unhonoured("%s: %v", javaStore, err)
		}
	}
	lines := bufio.NewScanner(c.Stdin)
	for lines.Scan() {
		if err := updateStore(c, store, lines.Text()); err != nil {
			return 1, err
		}
	}
	if err := lines.Err(); err != nil {
		return 1, err
	}
	if err := c.FS.MkdirAll(path.Dir(javaStore), 0o755); err != nil {
		return 1, err
	}
	return 0, c.FS.Rewrite(javaStore, store.write(password), 0o644)
}

// updateStore carries out one line: "+path" adds a certificate, "-path" or "-name"
// removes one.
func updateStore(c *command.Call, store *keystore, line string) error {
	if line == "" {
		return nil
	}
	alias := "debian:" + strings.ToLower(path.Base(line[1:]))
	switch line[0] {
	case '-':
		if store.table.remove(alias) {
			c.Say("Removing %s", alias)
		}
	case '+':
		text, err := c.FS.ReadIfThere(line[1:])
		if err != nil {
			return err
		}
		block, _ := pem.Decode(text)
		if block == nil {
			c.Say("Warning: there was a problem reading the certificate file %s.", line[1:])
			return nil
		}
		c.Say("Adding %s", "debian:"+path.Base(line[1:]))
		store.add(alias, block.Bytes, c.Machine.Epoch)
	}
	return nil
}

// Keytool is keytool(1), for listing the names in the store.
func Keytool(_ context.Context, c *command.Call) (int, error) {
	password := ""
	for i, a := range c.Args {
		switch a {
		case "-storepass":
			if i+1 < len(c.Args) {
				password = c.Args[i+1]
			}
		case "-importkeystore", "-importcert", "-genkeypair", "-delete":
			return 1, c.Unhonoured("only the store of ca-certificates-java is known, and its list")
		}
	}
	if !slices.Contains(c.Args, "-list") {
		return 1, c.Unhonoured("only the store of ca-certificates-java is known, and its list")
	}
	file, err := c.FS.ReadFile(javaStore)
	if err != nil {
		return c.Complain(1, "error: Keystore file does not exist: %s", javaStore)
	}
	store, err := readKeystore(file, password)
	if err != nil {
		return c.Complain(1, "error: %v", err)
	}
	for _, e := range store.table.entries() {
		c.Say("Alias name: %s", e.alias)
	}
	return 0, nil
}
