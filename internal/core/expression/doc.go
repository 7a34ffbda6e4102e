// Package expression reads and evaluates the conditions that a policy adds to
// its gates, in the Common Expression Language. An expression is checked against
// the variables and their types when it is read, and it is bounded in length and
// in what its evaluation may cost.
//
// The answer depends on the facts alone: there is no clock, no time zone and no
// environment within reach. What is not known is never true: asking for the
// major version of "main" gives no answer.
package expression
