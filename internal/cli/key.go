package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/durable"
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make the keys that sign images",
		Long: `Make the keys that sign images, and print public keys. Key files are those of
cosign, so that each reads the other's.`,
		Args: cobra.ArbitraryArgs,
		RunE: helpOrUnknown,
	}
	cmd.AddCommand(a.keyGenerateCommand(), a.keyPublicCommand())
	return cmd
}

func (a *app) keyGenerateCommand() *cobra.Command {
	var f keyFlags
	var prefix, algorithm string
	var plain bool
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Make a key pair",
		Long: `Make a key pair: PREFIX.key, the private key under a passphrase, and PREFIX.pub, the
public key. What is there already is not overwritten.

The passphrase is asked for on a terminal, or comes from --passphrase-file, from
--passphrase-fd, or from KILN_KEY_PASSPHRASE. The private key is encrypted in the
form of cosign (scrypt, NaCl secret box), and cosign can sign with it.`,
		Example: `  kiln key generate
  kiln key generate --output-key-prefix alice --algorithm ed25519
  kiln key generate --output-key-prefix ci --passphrase-file /run/secrets/passphrase`,
		Args:              atMost(0),
		ValidArgsFunction: words(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.keyGenerate(prefix, attest.Algorithm(algorithm), plain, f)
		},
	}
	f.registerPassphrase(cmd)
	cmd.Flags().StringVar(&prefix, "output-key-prefix", "kiln", "write `PREFIX`.key and PREFIX.pub")
	cmd.Flags().StringVar(&algorithm, "algorithm", string(attest.ECDSAP256), "make a key for `ALGORITHM`: ecdsa-p256 or ed25519")
	cmd.Flags().BoolVar(&plain, "unsafe-no-passphrase", false, "write the private key without a passphrase (PKCS #8)")
	complete(cmd, "output-key-prefix", words())
	complete(cmd, "algorithm", words(algorithmNames()...))
	return cmd
}

func algorithmNames() []string {
	var names []string
	for _, a := range attest.Algorithms() {
		names = append(names, string(a))
	}
	return names
}

// keyMade is what kiln key tells of a key.
type keyMade struct {
	Private   string           `json:"private,omitempty"`
	Public    string           `json:"public,omitempty"`
	Algorithm attest.Algorithm `json:"algorithm"`
	KeyID     string           `json:"keyID"`
	PEM       string           `json:"pem"`
}

func keyMadeOf(k attest.PublicKey) keyMade {
	return keyMade{Algorithm: k.Algorithm(), KeyID: k.ID(), PEM: string(k.PEM())}
}

func (a *app) keyGenerate(prefix string, algorithm attest.Algorithm, plain bool, f keyFlags) error {
	if algorithm != attest.ECDSAP256 && algorithm != attest.Ed25519 {
		return &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("unknown algorithm %q", algorithm), Hints: []string{"--algorithm ecdsa-p256", "--algorithm ed25519"}}
	}
	private, public := prefix+".key", prefix+".pub"
	for _, file := range []string{private, public} {
		if _, err := os.Lstat(file); err == nil {
			return &kiln.Error{
				Code: kiln.User, Text: fmt.Sprintf("cannot write the key %q: it is there already, and a key that is lost cannot be had back", file),
				Hints: []string{"kiln key generate --output-key-prefix OTHER"},
			}
		}
	}
	key, err := attest.Generate(algorithm, rand.Reader)
	if err != nil {
		return err
	}
	text, err := a.sealed(key, plain, f)
	if err != nil {
		return err
	}
	if err := saveKey(private, 0o600, text); err != nil {
		return err
	}
	if err := saveKey(public, 0o644, key.Public().PEM()); err != nil {
		return errors.Join(err, os.Remove(private))
	}
	made := keyMadeOf(key.Public())
	made.Private, made.Public = private, public
	return a.ui.result(made, func(w io.Writer) {
		fmt.Fprintf(w, "%s  private key (%s)\n%s  public key %s\n", private, algorithm, public, made.KeyID)
	})
}

// sealed is the key file.
func (a *app) sealed(key *attest.PrivateKey, plain bool, f keyFlags) ([]byte, error) {
	if plain {
		return key.Plain()
	}
	pass, err := a.passphrase(f, "new key", true)
	if err != nil {
		return nil, err
	}
	if len(pass) == 0 {
		return nil, &kiln.Error{Code: kiln.User, Text: "cannot encrypt the key: the passphrase is empty", Hints: []string{"give one, or say --unsafe-no-passphrase"}}
	}
	return key.Encrypt(pass, rand.Reader)
}

func saveKey(file string, mode os.FileMode, text []byte) error {
	err := durable.WriteFile(file, mode, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err == nil {
		return nil
	}
	e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot write the key %q: %v", file, err), Err: err}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		e.Hints = []string{"name a folder that is there and writable: --output-key-prefix FOLDER/NAME"}
	}
	return e
}

func (a *app) keyPublicCommand() *cobra.Command {
	var f keyFlags
	cmd := &cobra.Command{
		Use:   "public KEY",
		Short: "Print the public key of a key file or a plug-in",
		Long: `Print the public key of KEY as PEM: of a key file of kiln or cosign, of a private key
as PKCS #8, of a public key, or of plugin:PROGRAM[:KEY].`,
		Example: `  kiln key public kiln.key
  kiln key public plugin:vault:transit/web > web.pub`,
		Args:              exactly(1, "a key, such as kiln.key"),
		ValidArgsFunction: completeAny,
		RunE: func(cmd *cobra.Command, args []string) error {
			public, err := a.publicKey(cmd.Context(), args[0], f)
			if err != nil {
				return err
			}
			return a.ui.result(keyMadeOf(public), func(w io.Writer) { fmt.Fprintf(w, "%s", public.PEM()) })
		},
	}
	f.registerPassphrase(cmd)
	f.registerTimeout(cmd)
	return cmd
}
