package apt

// Gone reports whether err, of Fetch, says that mirrors answered and none of them
// has the file: trying again will not help.
func Gone(err error) bool { return isMissing(err) }
