// Package chatops finds the commands that people write in comments, and knows
// the table of those that exist.
//
// A command stands alone on a line, from the line's first character on:
// "/sluice hold the database is full", or the same after a mention of the bot.
// What is quoted, code, or hidden in HTML is no command, so that showing
// somebody a command never runs it; where Markdown leaves doubt, the line does
// nothing. "/sluice" is no quick action of GitLab, which would swallow it.
//
// The package does not know who wrote a comment and what that person may do.
package chatops
