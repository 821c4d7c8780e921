// Package controller is a node's part in the metadata quorum: it keeps the node's copy of the metadata, and on the active
// controller it decides what changes.
package controller
