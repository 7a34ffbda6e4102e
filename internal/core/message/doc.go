// Package message writes the texts that people read in GitLab: descriptions,
// comments and answers. It is where the marks are defined by which Sluice
// finds its own texts again.
//
// Everything that comes from somebody else, such as versions, file names and
// reasons, is made inert before it is shown: it can run no quick action and
// mention nobody. The package decides nothing.
package message
