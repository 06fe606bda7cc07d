package proof

import (
	"time"

	"kiln"
)

// PredicateType names the form of a Predicate.
const PredicateType = "urn:kiln:proof:1"

// Statement says that something was built twice, and what came of it. With a _type
// beside its fields it is a statement as in-toto's attestation framework has it, and
// so what a signer takes.
type Statement struct {
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject is a thing that was made twice.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"` // "sha256" and its digits
}

// SubjectOf is a Subject.
func SubjectOf(name string, d kiln.Digest) Subject {
	return Subject{Name: name, Digest: map[string]string{"sha256": d.Hex()}}
}

// Predicate is how it was made twice, and whether it is the same. All but its times is
// the same in every run on the same machine by the same user.
type Predicate struct {
	Kiln         Builder     `json:"kiln"`
	Recipe       Subject     `json:"recipe"`
	Lock         kiln.Digest `json:"lock"`
	First        string      `json:"first"` // what the second build was held against: "a build", or an image
	Variations   []Variation `json:"variations"`
	Outputs      []Output    `json:"outputs"`
	Answers      []Answer    `json:"answers,omitempty"` // to scripts that asked what differs from build to build
	Reproducible bool        `json:"reproducible"`
	Times        Times       `json:"times"`
}

// Answer is what a maintainer script was told that elsewhere differs from build to build.
type Answer struct {
	Script string `json:"script"` // "web.postinst:3"
	Asked  string `json:"asked"`  // "time", "host-name", "kernel"
	Answer string `json:"answer"`
}

// Builder is the program that built.
type Builder struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Format   int    `json:"format"`
	Build    string `json:"build,omitempty"` // the linker's name of the program
}

// Variation is something of the surroundings that is to make no difference.
type Variation struct {
	Name    string `json:"name"`
	First   string `json:"first,omitempty"`  // in the first build, where that is known
	Second  string `json:"second,omitempty"` // in the second
	Applied bool   `json:"applied"`
	Reason  string `json:"reason,omitempty"` // why it was not applied
}

// Output is one output of both builds.
type Output struct {
	Type        string       `json:"type"`
	First       kiln.Digest  `json:"first"` // of what the layout names, or of the file
	Second      kiln.Digest  `json:"second"`
	Equal       bool         `json:"equal"`
	Differences []Difference `json:"differences"`
	Ignored     []string     `json:"ignored,omitempty"` // what was not compared, and why
}

// Times are when it was done.
type Times struct {
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	SecondMS int64     `json:"second_ms"` // how long the second build took, in milliseconds
}
