// Package setup is "sluice setup": it looks at a project on GitLab with the
// token that Sluice is to use, says what is missing or wrong for Sluice to work
// there, and makes what is Sluice's own: the webhook to its receiver, its label,
// and the clusters' read-only deploy keys.
//
// Everything it does is an "ensure": where all is as it should be, it writes
// nothing. What belongs to the project, such as how it merges, it changes only
// when it is asked to, and it deletes nothing without being told so. It prints
// no secret, neither its own nor what stands in the address of a webhook that
// it did not make.
package setup
