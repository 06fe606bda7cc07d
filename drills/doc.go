// Package drills tests the whole product as its users meet it: the kiln binary on
// real Debian packages, judged by other people's tools. It holds tests alone;
// they run with KILN_TEST=real and then may not skip.
package drills
