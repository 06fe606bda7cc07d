// Package catalogtool is the commands by which packages enter what they bring in lists
// that programs read: catalogs of XML and SGML, parsers, dictionaries. What only a
// program of the tree could tell is refused.
package catalogtool
