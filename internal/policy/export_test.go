package policy

// Glob matches a pattern, for tests.
func Glob(pattern, path string) (bool, error) {
	re, err := parseGlob(pattern)
	return err == nil && re.MatchString(path), err
}

// Patterns are the forms of words by definition and key, for the schema.
func Patterns() map[string]string {
	return map[string]string{
		"document.name": namePattern, "rule.name": namePattern, "param.name": wordPattern, "variable.name": wordPattern,
	}
}

// Document and CaseDocument are the types of the two files, for the schema.
func Document() any     { return &document{} }
func CaseDocument() any { return &caseDocument{} }

// Lists are what rules can go through.
func Lists() []string {
	s, err := newSchema()
	if err != nil {
		panic(err)
	}
	return (&compiler{schema: s}).lists()
}
