package bake

import (
	"context"
	"fmt"

	"kiln"
	"kiln/internal/redact"
	"kiln/internal/sandbox"
)

// StageSecrets are where the secrets of stages come from, by id. A source is asked only
// where a stage that names it runs, and its error must not tell the value.
type StageSecrets map[string]func(ctx context.Context) ([]byte, error)

// secrets gets the secrets that the stage names.
func (s *stage) secrets(ctx context.Context) ([]sandbox.Secret, error) {
	var all []sandbox.Secret
	for i, id := range s.of.Secrets {
		part := fmt.Sprintf("%s:%d: %s.secrets[%d]", s.whole.Path(), s.whole.Line(fmt.Sprintf("%s.secrets[%d]", s.part, i)), s.part, i)
		source, ok := s.shop.Secrets[id]
		if !ok {
			return nil, &kiln.Error{
				Code: kiln.User,
				Text: fmt.Sprintf("%s: the secret %q is not given", part, id),
				Hints: []string{
					"out of a file: kiln build --secret id=" + id + ",src=FILE",
					"out of a variable: kiln build --secret id=" + id + ",env=VARIABLE",
					"from a program: kiln build --secret 'id=" + id + ",exec=vault kv get -field=value secret/" + id + "'",
				},
			}
		}
		value, err := source(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part, err)
		}
		if len(value) < redact.MinSize {
			return nil, &kiln.Error{
				Code:  kiln.User,
				Text:  fmt.Sprintf("%s: the secret %q has %d bytes, and at least %d are needed to tell it from other text", part, id, len(value), redact.MinSize),
				Hints: []string{"what is that short is soon guessed: take a longer one"},
			}
		}
		all = append(all, sandbox.Secret{ID: id, Value: value})
	}
	return all, nil
}

// refuseSecret is the error of a secret in what is to be kept.
func (s *stage) refuseSecret(where string, hit *redact.Found) error {
	return &kiln.Error{
		Code:  kiln.Refused,
		Text:  fmt.Sprintf("%s holds the secret %q (%s): whoever has the image would have it", where, hit.ID, hit.Form),
		Hints: []string{"have the commands keep it out of their outputs: a file of a program's settings or cache, an address with a password, a debug section"},
	}
}
