// Package keyplugin signs with a key that a program keeps: a KMS, an HSM, Vault. The
// program is run once for each question, reads one JSON object on its standard input
// and writes one on its standard output (docs/signing.md has the protocol).
//
// Nothing secret is asked for or handed over: the program has its own way to its key.
// What it answers is bounded in size and time, and a signature counts only once it
// was verified with the public key (attest.Sign does that). What it writes to
// standard error is shown, a little of it, where it fails; its answer never is.
package keyplugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode"

	"kiln"
	"kiln/internal/attest"
)

// Protocol names the protocol, in questions and answers.
const Protocol = "kiln-key/v1"

// Prefix begins the names of programs that are looked up in PATH: kiln-key-vault.
const Prefix = "kiln-key-"

const (
	maxAnswer  = 64 << 10 // bytes
	maxMessage = 1 << 10
	patience   = 5 * time.Second // after the end of the program, for what it left running
)

// DefaultTimeout is how long a program may take to answer: somebody may have to
// touch a token.
const DefaultTimeout = 60 * time.Second

// Question is what a program is asked.
type Question struct {
	Protocol    string            `json:"protocol"`
	Operation   string            `json:"operation"`             // "public-key" or "sign"
	Key         string            `json:"key"`                   // as it stands behind the program's name; may be empty
	Algorithm   string            `json:"algorithm,omitempty"`   // of the public key that it gave: "ecdsa-p256" or "ed25519"; or "rsa-pkcs1v15-sha256"
	PayloadType string            `json:"payloadType,omitempty"` // of DSSE; or SecureBoot
	Payload     []byte            `json:"payload,omitempty"`     // the statement, to be looked at
	PAE         []byte            `json:"pae,omitempty"`         // the bytes to sign
	Digest      map[string]string `json:"digest,omitempty"`      // "sha256" of PAE, in hexadecimal: what ECDSA and RSA sign
}

// Answer is what it says.
type Answer struct {
	Protocol  string `json:"protocol"`
	PublicKey string `json:"publicKey,omitempty"` // PEM
	Signature []byte `json:"signature,omitempty"` // ECDSA: ASN.1; Ed25519: 64 bytes
	Error     string `json:"error,omitempty"`
}

// Plugin is a key that a program keeps.
type Plugin struct {
	name   string // as messages call it
	path   string
	key    string
	o      Options
	public attest.PublicKey
}

// Options say how programs are run.
type Options struct {
	Env      []string      // NAME=value; kiln's own passphrase is no part of it
	Timeout  time.Duration // of one answer; zero: DefaultTimeout
	Terminal bool          // somebody sits there, whom the program may ask: it stays in the terminal's foreground
}

// Open finds the program that ref names, "PROGRAM" or "PROGRAM:KEY", and asks it for
// its public key. A PROGRAM without a slash is kiln-key-PROGRAM in PATH.
func Open(ctx context.Context, ref string, o Options) (*Plugin, error) {
	p, err := find(ref, o)
	if err != nil {
		return nil, err
	}
	a, err := p.ask(ctx, Question{Operation: "public-key"})
	if err != nil {
		return nil, err
	}
	if p.public, err = attest.ParsePublicKey([]byte(a.PublicKey)); err != nil {
		return nil, p.problem("its public key cannot be used: %v", err)
	}
	return p, nil
}

// find finds the program.
func find(ref string, o Options) (*Plugin, error) {
	name, key, _ := strings.Cut(ref, ":")
	if name == "" {
		return nil, &kiln.Error{Code: kiln.Usage, Text: "plugin: names no program", Hints: []string{"--key plugin:vault:transit/web", "--key plugin:./my-signer"}}
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	p := &Plugin{name: name, key: key, o: o}
	file := name
	if !strings.Contains(name, "/") {
		file = Prefix + name
	}
	path, err := exec.LookPath(file)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, &kiln.Error{
			Code: kiln.User, Text: fmt.Sprintf("cannot find the key plug-in %q: %v", name, err), Err: err,
			Hints: []string{fmt.Sprintf("put a program %s%s in PATH, or name its file: plugin:./%s", Prefix, name, name)},
		}
	}
	p.path = path
	return p, nil
}

// Public implements attest.Signer.
func (p *Plugin) Public() attest.PublicKey { return p.public }

// Sign implements attest.Signer.
func (p *Plugin) Sign(ctx context.Context, payloadType string, payload []byte) ([]byte, error) {
	pae := attest.PAE(payloadType, payload)
	a, err := p.ask(ctx, Question{
		Operation: "sign", Algorithm: string(p.public.Algorithm()), PayloadType: payloadType, Payload: payload,
		PAE: pae, Digest: map[string]string{"sha256": kiln.DigestOf(pae).Hex()},
	})
	if err != nil {
		return nil, err
	}
	if len(a.Signature) == 0 {
		return nil, p.problem("its answer has no signature")
	}
	return a.Signature, nil
}

func (p *Plugin) problem(format string, args ...any) error {
	return &kiln.Error{
		Code: kiln.User, Text: fmt.Sprintf("cannot sign with the key plug-in %q: %s", p.name, fmt.Sprintf(format, args...)),
		Hints: []string{"run it by hand: echo '{\"protocol\":\"" + Protocol + "\",\"operation\":\"public-key\",\"key\":\"" + p.key + "\"}' | " + p.path},
	}
}

// ask runs the program once.
func (p *Plugin) ask(ctx context.Context, q Question) (Answer, error) {
	q.Protocol, q.Key = Protocol, p.key
	text, err := json.Marshal(q)
	if err != nil {
		return Answer{}, err
	}
	limited, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	out, told := &bounded{max: maxAnswer}, &bounded{max: maxMessage, keep: true}
	cmd := exec.CommandContext(limited, p.path)
	cmd.Env = p.o.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(append(text, '\n')), out, told
	if !p.o.Terminal {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what it started ends with it
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	}
	cmd.WaitDelay = patience
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return Answer{}, ctx.Err()
	case limited.Err() != nil:
		return Answer{}, p.problem("it gave no answer within %s", p.o.Timeout)
	case out.over:
		return Answer{}, p.problem("its answer has more than %d bytes", maxAnswer)
	}
	a, parseErr := parseAnswer(out.text)
	switch {
	case parseErr == nil && a.Error != "":
		return a, p.problem("%s", printable(a.Error))
	case err != nil:
		return a, p.problem("%v%s", err, said(string(told.text)))
	case parseErr != nil:
		return a, p.problem("%v%s", parseErr, said(string(told.text)))
	}
	return a, nil
}

// parseAnswer reads an answer. What it holds is not told: it may be anything.
func parseAnswer(b []byte) (Answer, error) {
	var a Answer
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, errors.New("its answer is not what " + Protocol + " says")
	}
	if d.More() {
		return a, errors.New("its answer goes on behind the first JSON object")
	}
	if a.Protocol != Protocol {
		return a, errors.New("it does not speak " + Protocol)
	}
	return a, nil
}

func said(s string) string {
	if s = printable(s); s == "" {
		return ""
	}
	return "; it says: " + s
}

// printable makes one line of a text that may do anything to a terminal.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, strings.TrimSpace(s))
	if r := []rune(s); len(r) > maxMessage {
		s = string(r[:maxMessage])
	}
	return s
}

// bounded keeps the first bytes that are written to it. With keep, it takes the rest
// and forgets it; else it refuses it, which ends the program. It embeds nothing: a
// ReadFrom of the buffer's would go past the limit.
type bounded struct {
	text []byte
	max  int
	keep bool
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.max - len(b.text)
	if len(p) <= room {
		b.text = append(b.text, p...)
		return len(p), nil
	}
	b.over = true
	b.text = append(b.text, p[:max(room, 0)]...)
	if b.keep {
		return len(p), nil
	}
	return 0, errors.New("too much")
}
