// Package rules holds the house's rules as tests: who may import whom, that nothing of the broker reaches the machine but
// through broker/env, that every package says what it is for and every exported name is documented. It has no code of its
// own to run; `make check` runs its tests.
package rules
