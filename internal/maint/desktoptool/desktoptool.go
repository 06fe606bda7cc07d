// Package desktoptool is the commands that make what GLib, GTK, Graphviz and their like read:
// compiled schemas, lists of modules and loaders. Modules are not run: what those of
// Debian 13 say of themselves is written down, and others are refused.
package desktoptool
