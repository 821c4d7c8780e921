// Package page turns what was measured into what a page shows (odradek/reports): one result, or several sides beside each other,
// each with the results of its rounds.
package page
