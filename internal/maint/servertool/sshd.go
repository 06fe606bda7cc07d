// Package servertool is the programs of servers that the scripts of their own
// packages call, as far as they say how a machine is set up. Nothing is started, and
// what belongs to one machine alone, as keys and databases do, is noted and not made.
package servertool

import (
	"context"
	"path"
	"strings"

	"kiln/internal/maint/command"
)

const sshdConfig = "/etc/ssh/sshd_config"

// Sshd is sshd(8) -G, which prints the configuration that holds, for the one thing
// that openssh-server's postinst asks of it: the host keys (sshd_config(5), HostKey
// and Include). Whoever else asks is refused, for it would want the rest.
func Sshd(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("G f=")
	if err != nil {
		return 0, err
	}
	if !o.Has("G") || len(o.Rest) > 0 {
		return 0, c.Unhonoured("no server runs in an image; only -G is known")
	}
	if c.Machine.Package != "openssh-server" || c.Machine.Script != "postinst" {
		return 0, c.Unhonoured("only the host keys are known of the configuration, and only openssh-server's postinst is known to want no more")
	}
	s := sshdReader{call: c}
	if status, err := s.read(o.Value("f", sshdConfig), 0); status != 0 || err != nil {
		return status, err
	}
	keys := s.keys
	if len(keys) == 0 {
		keys = []string{"/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key"}
	}
	for _, k := range keys {
		c.Say("hostkey %s", k)
	}
	return 0, nil
}

type sshdReader struct {
	call *command.Call
	keys []string
}

// read reads one file of the configuration, included at the given depth.
func (s *sshdReader) read(file string, depth int) (int, error) {
	if depth > 16 { // servconf.c, SERVCONF_MAX_DEPTH
		return s.call.Complain(255, "%s: Too many recursive configuration includes", file)
	}
	text, err := s.call.FS.ReadFile(s.call.Path(file))
	if err != nil {
		return s.call.Failed(1, file, err)
	}
	for line := range strings.Lines(string(text)) {
		words := sshdWords(line)
		if len(words) == 0 {
			continue
		}
		if status, err := s.directive(words, depth); status != 0 || err != nil {
			return status, err
		}
		if strings.EqualFold(words[0], "match") { // what follows holds for some connections
			return 0, s.matched(text)
		}
	}
	return 0, nil
}

// matched refuses what would have to be judged by a connection.
func (s *sshdReader) matched(text []byte) error {
	inside := false
	for line := range strings.Lines(string(text)) {
		words := sshdWords(line)
		if len(words) == 0 {
			continue
		}
		inside = inside || strings.EqualFold(words[0], "match")
		if inside && (strings.EqualFold(words[0], "hostkey") || strings.EqualFold(words[0], "include")) {
			return s.call.Unhonoured("%s stands in a Match block", words[0])
		}
	}
	return nil
}

func (s *sshdReader) directive(words []string, depth int) (int, error) {
	switch strings.ToLower(words[0]) {
	case "hostkey":
		if len(words) != 2 || !strings.HasPrefix(words[1], "/") {
			return 0, s.call.Unhonoured("a HostKey of %s is not one absolute path", sshdConfig)
		}
		s.keys = append(s.keys, words[1])
	case "include":
		for _, pattern := range words[1:] {
			if !strings.HasPrefix(pattern, "/") {
				pattern = path.Join(path.Dir(sshdConfig), pattern)
			}
			for _, file := range s.call.FS.Glob(pattern) {
				if status, err := s.read(file, depth+1); status != 0 || err != nil {
					return status, err
				}
			}
		}
	}
	return 0, nil
}

// sshdWords splits a line as sshd does: one "=" may stand after the keyword, quotes
// hold a word together, "#" begins a comment.
func sshdWords(line string) []string {
	line = strings.TrimSpace(line)
	end := strings.IndexAny(line, " \t=\"")
	switch {
	case line == "" || line[0] == '#':
		return nil
	case end < 0:
		return []string{line}
	}
	words := []string{line[:end]}
	line = strings.TrimLeft(line[end:], " \t")
	line = strings.TrimLeft(strings.TrimPrefix(line, "="), " \t")
	for line != "" && line[0] != '#' {
		var word strings.Builder
		quote := byte(0)
		i := 0
		for ; i < len(line) && (quote != 0 || line[i] != ' ' && line[i] != '\t'); i++ {
			switch {
			case quote == 0 && (line[i] == '"' || line[i] == '\''):
				quote = line[i]
			case line[i] == quote:
				quote = 0
			default:
				word.WriteByte(line[i])
			}
		}
		words = append(words, word.String())
		line = strings.TrimLeft(line[i:], " \t")
	}
	return words
}
