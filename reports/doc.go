// Package reports renders runs into pages: one HTML file each, which opens from disk, asks the network for nothing and can be
// kept with a bug report. A page is made from a [Run], which is plain data; whoever has a run (the simulator, later others)
// turns it into one. The package knows no broker and no simulator.
//
// The page's parts are in page/: the template page.html is filled here and reads without a script; the scripts, in the order of
// their names, draw the lanes and tables of the chosen stretch of time from the run's data, which is embedded as JSON.
package reports
