module odradek

go 1.26.0

// What the guest, and so every broker, is made of.
require (
	github.com/google/uuid v1.6.0 // topic, directory and incarnation ids
	github.com/hashicorp/go-hclog v1.6.3 // raft's own logger, turned into slog
	github.com/hashicorp/raft v1.8.0 // the metadata quorum
	github.com/klauspost/compress v1.20.3 // gzip, snappy and zstd
	github.com/pierrec/lz4/v4 v4.1.33 // lz4
	github.com/twmb/franz-go v1.22.2 // the clients of a run, and of the command line
	github.com/twmb/franz-go/pkg/kadm v1.19.0 // topics and offsets for those clients
	github.com/twmb/franz-go/pkg/kmsg v1.15.0 // Kafka's messages, decoded and encoded
)

// What the harness, the commands and the tests need besides.
require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // latencies of the bench
	github.com/anishathalye/porcupine v1.3.1 // linearizability of a partition's log
	github.com/cockroachdb/datadriven v1.0.3 // transcripts of the state machines
	github.com/dustin/go-humanize v1.1.0 // numbers and sizes for people
	github.com/spf13/cobra v1.10.2 // the command line
	github.com/tetratelabs/wazero v1.12.0 // runs the guests
	golang.org/x/sys v0.49.0 // sendfile and file locks
	golang.org/x/tools v0.51.0 // package loading, for rules held as tests
	pgregory.net/rapid v1.3.0 // property tests
)

require (
	github.com/spf13/pflag v1.0.9
	golang.org/x/sync v0.24.0
)

require (
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/fatih/color v1.13.0 // indirect
	github.com/hashicorp/go-immutable-radix v1.3.1 // indirect
	github.com/hashicorp/go-metrics v0.7.0 // indirect
	github.com/hashicorp/go-msgpack/v2 v2.1.5 // indirect
	github.com/hashicorp/golang-lru v1.0.2 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/mattn/go-colorable v0.1.12 // indirect
	github.com/mattn/go-isatty v0.0.14 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.41.0 // indirect
	honnef.co/go/tools v0.8.2 // indirect
)

tool honnef.co/go/tools/cmd/staticcheck
