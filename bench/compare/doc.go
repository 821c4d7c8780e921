// Package compare puts results of two sides, which were measured in turns by the same client, next to each other.
//
// A single figure of a shared machine says little. Each side is given by its median, and its spread is told: half the distance
// between its smallest and largest figure, as a part of the median.
package compare
