package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/keyplugin"
)

// passphraseVariable may hold the passphrase of a key file. It is not handed on to
// plug-ins.
const passphraseVariable = "KILN_KEY_PASSPHRASE"

// maxKeyText bounds a key file and a passphrase, in bytes.
const maxKeyText = 64 << 10

// keyFlags say how to come to a private key.
type keyFlags struct {
	passphraseFile string
	passphraseFD   int
	timeout        time.Duration
}

func (f *keyFlags) registerPassphrase(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.passphraseFile, "passphrase-file", "", "read the passphrase from the first line of `FILE`; - is standard input")
	flags.IntVar(&f.passphraseFD, "passphrase-fd", -1, "read the passphrase from the first line of the open file descriptor `N`")
	complete(cmd, "passphrase-file", completeAny)
	complete(cmd, "passphrase-fd", words())
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "passphrase-fd")
}

func (f *keyFlags) registerTimeout(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&f.timeout, "key-timeout", keyplugin.DefaultTimeout, "wait so long for each answer of a key plug-in, such as `2m`")
	complete(cmd, "key-timeout", words())
}

// passphrase gets a passphrase from where the flags say, else from the environment,
// else from a terminal; there twice, for a new one.
func (a *app) passphrase(f keyFlags, what string, twice bool) ([]byte, error) {
	var from io.Reader
	switch {
	case f.passphraseFile == "-":
		from = a.world.Stdin
	case f.passphraseFile != "":
		file, err := os.Open(f.passphraseFile)
		if err != nil {
			return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the passphrase: %v", err), Err: err, Hints: []string{"--passphrase-file FILE"}}
		}
		defer file.Close()
		from = file
	case f.passphraseFD >= 0:
		file := os.NewFile(uintptr(f.passphraseFD), "passphrase")
		if file == nil {
			return nil, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read the passphrase: there is no file descriptor %d", f.passphraseFD)}
		}
		from = file
	case a.world.Getenv(passphraseVariable) != "":
		return []byte(a.world.Getenv(passphraseVariable)), nil
	default:
		return a.askPassphrase(what, twice)
	}
	b, err := io.ReadAll(io.LimitReader(from, maxKeyText))
	if err != nil {
		return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the passphrase: %v", err), Err: err}
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

func (a *app) askPassphrase(what string, twice bool) ([]byte, error) {
	first, ok, err := a.ui.secret(a.world.Stdin, "passphrase of the "+what+": ")
	if !ok {
		return nil, &kiln.Error{
			Code: kiln.User, Text: "cannot ask for the passphrase of the " + what + ": there is no terminal",
			Hints: []string{"--passphrase-file FILE", "--passphrase-fd N", "set " + passphraseVariable},
		}
	}
	if err != nil || !twice {
		return first, err
	}
	second, _, err := a.ui.secret(a.world.Stdin, "the same again: ")
	if err == nil && !bytes.Equal(first, second) {
		err = &kiln.Error{Code: kiln.User, Text: "the two passphrases are not the same", Hints: []string{"type it again: kiln key generate"}}
	}
	return first, err
}

const pluginPrefix = "plugin:"

// signer opens the key that ref names: a key file, or plugin:PROGRAM[:KEY].
func (a *app) signer(ctx context.Context, ref string, f keyFlags) (attest.Signer, error) {
	if name, ok := strings.CutPrefix(ref, pluginPrefix); ok {
		return keyplugin.Open(ctx, name, keyplugin.Options{
			Env: withoutPassphrase(os.Environ()), Timeout: f.timeout, Terminal: isTerminal(a.world.Stdin),
		})
	}
	text, err := readKeyText(ref)
	if err != nil {
		return nil, err
	}
	key, err := attest.ParsePrivateKey(text, func() ([]byte, error) { return a.passphrase(f, fmt.Sprintf("key %q", ref), false) }, rand.Reader)
	if err != nil {
		e := &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot use the key %q: %v", ref, err), Err: err}
		if errors.Is(err, attest.ErrPassphrase) {
			e.Hints = []string{"--passphrase-file FILE, or set " + passphraseVariable + " aright"}
		} else if len(kiln.HintsOf(err)) == 0 {
			e.Hints = []string{"name a private key: kiln key generate makes one"}
		}
		return nil, e
	}
	return key, nil
}

// withoutPassphrase takes kiln's own secret out of an environment.
func withoutPassphrase(env []string) []string {
	var out []string
	for _, v := range env {
		if !strings.HasPrefix(v, passphraseVariable+"=") {
			out = append(out, v)
		}
	}
	return out
}

func readKeyText(file string) ([]byte, error) {
	text, err := readBounded(file, maxKeyText)
	if err != nil {
		e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the key: %v", err), Err: err}
		if errors.Is(err, fs.ErrNotExist) {
			e.Hints = []string{"kiln key generate", "--key plugin:PROGRAM for a key that a program keeps"}
		}
		return nil, e
	}
	return text, nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%q has more than %d bytes", file, limit)
	}
	return b, err
}

// publicKey is the public key of a private one, of a plug-in, or of its own file.
func (a *app) publicKey(ctx context.Context, ref string, f keyFlags) (attest.PublicKey, error) {
	if !strings.HasPrefix(ref, pluginPrefix) {
		text, err := readKeyText(ref)
		if err != nil {
			return attest.PublicKey{}, err
		}
		if public, err := attest.ParsePublicKey(text); err == nil {
			return public, nil
		}
	}
	s, err := a.signer(ctx, ref, f)
	if err != nil {
		return attest.PublicKey{}, err
	}
	return s.Public(), nil
}
