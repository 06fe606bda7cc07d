// Package corpus_test installs the packages that are most likely to be in an
// image, each with all that it depends on, and counts whose maintainer scripts
// maint interprets to the end. It is a folder of its own because it needs the
// archive client and the resolver, which maint must not know.
package corpus_test
