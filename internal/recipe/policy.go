package recipe

import (
	"errors"
	"time"
)

// Policy is a file of rules that the image must keep. Short form in YAML: its name.
type Policy struct {
	Use    string            `yaml:"use" short:"true" jsonschema:"required"` // a file, relative to the recipe, or builtin:NAME
	Params map[string]Values `yaml:"params"`                                 // values for the policy's parameters
	Except []Exception       `yaml:"except"`                                 // what the image may be in spite of the policy
}

// Exception takes something out of a rule of a policy. What it is of is matched by
// Path, Package and Item, as far as they are there.
type Exception struct {
	Rule    string `yaml:"rule" jsonschema:"required" need:"the name of the rule, as its finding tells it"`
	Path    string `yaml:"path"`                      // pattern of the path of a file
	Package string `yaml:"package"`                   // pattern of the name of a package, or of the package that a file is of
	Item    string `yaml:"item"`                      // pattern of what else the rule looks at: a user, a port, a variable
	Why     string `yaml:"why" jsonschema:"required"` // why it may be so
	Until   Date   `yaml:"until"`                     // last day, in UTC, on which it holds: 2027-06-30. Default for good
}

// Values are one value or a list of them.
type Values []string

// Date is a day; the zero Date is none.
type Date struct{ time.Time }

// UnmarshalText reads "2027-06-30".
func (d *Date) UnmarshalText(b []byte) error {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return errors.New("want a day, such as 2027-06-30")
	}
	d.Time = t
	return nil
}

// MarshalText is the inverse of UnmarshalText; of no day it is empty.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.Format(time.DateOnly)), nil
}

// MarshalJSON hides that of time.Time.
func (d Date) MarshalJSON() ([]byte, error) {
	b, err := d.MarshalText()
	return []byte(`"` + string(b) + `"`), err
}
