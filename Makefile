# Bare `make` lists the targets. The two that a newcomer needs: `make sim SEED=1` and `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# A universe's hash depends on the guest's very bytes: neither the machine, nor the checkout, nor the version of Go at hand may
# get into them. Another Go fetches this toolchain as a module.
GUEST_BUILD := GOOS=wasip1 GOARCH=wasm GOTOOLCHAIN=go1.26.8 GOEXPERIMENT= GOWASM= GOFLAGS= go build -trimpath -buildvcs=false
SEED ?= 1
SEEDS ?= 1..200
FUZZTIME ?= 10s
SHOTS ?= /tmp/odradek-pages
PEER ?= ../shared/peer
WORKLOAD ?= default

# Every target with a description is a command, not a file.
.PHONY: FORCE $(shell awk -F: '/^[a-z0-9-]+:.*## /{print $$1}' $(firstword $(MAKEFILE_LIST)))

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: bin/odradek bin/odradek.wasm ## bin/odradek and the guest bin/odradek.wasm

# Whether there is anything to do is for the Go toolchain to say, which knows every file that goes in.
bin/odradek: FORCE
	@mkdir -p bin
	go build -trimpath -o $@ ./cmd/odradek

bin/odradek.wasm: FORCE
	@mkdir -p bin
	$(GUEST_BUILD) -o $@ ./cmd/guest

sim: build ## one universe: SEED=1, and FOR=60s PLAN=file TRACE=file HISTORY=file REPORT=file.html
	@bin/odradek sim $(if $(PLAN),--plan $(PLAN),--seed $(SEED) $(if $(FOR),--for $(FOR))) $(if $(TRACE),--trace $(TRACE)) $(if $(HISTORY),--history $(HISTORY)) $(if $(REPORT),--report $(REPORT))

report-test: build ## the page of a run, used in a real browser: installs Debian's chromium if there is none, and playwright-core
	@command -v chromium >/dev/null || apt-get install -y --no-install-recommends chromium
	@dir=$$(mktemp -d); trap 'rm -rf '$$dir EXIT; mkdir -p $(SHOTS); \
	  npm install --silent --no-audit --no-fund --prefix $$dir playwright-core@1.65.1; \
	  go test ./reports -count=1 -run TestSamplePages -args -pages $$dir; \
	  bin/odradek sim --seed $(SEED) --report $$dir/seed-$(SEED).html | tail -1; \
	  NODE_PATH=$$dir/node_modules node reports/browser/check.cjs $(SHOTS) $$dir/*.html; \
	  echo "screenshots: $(SHOTS)"

sims: build ## a campaign: SEEDS=1..200, on all cores
	@bin/odradek sim --seeds $(SEEDS)

speed: build ## how fast universes are: the standard workload's virtual seconds a wall second, and drawn seeds an hour: SEEDS=1..20
	@for plans in --standard ""; do bin/odradek sim $$plans --seeds $(if $(filter command line environment,$(origin SEEDS)),$(SEEDS),1..20) --rerun 0 | tail -n 1 | sed "s/^/$${plans:-drawn} /"; done

test: check build ## everything that a newcomer should see pass
	go test -timeout 14m ./...
	bin/odradek sim --seeds 1..6

check: ## the gate of a commit: format, vet, staticcheck, short tests, import rules, guest build
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these" >&2; exit 1; }
	go vet ./...
	GOOS=wasip1 GOARCH=wasm go vet ./cmd/guest ./broker/env/guestenv
	go tool staticcheck ./...
	$(GUEST_BUILD) -o /dev/null ./cmd/guest
	go test -short -timeout 5m ./...

race: ## the native tests under the race detector
	go test -race -short -timeout 20m ./broker/... ./chaos/... ./linearizability/... ./cmd/...

fuzz: ## every fuzz target for FUZZTIME each
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

cluster: build ## three real brokers on loopback until Ctrl-C
	@dir=$$(mktemp -d); trap 'bin/odradek cluster down --dir '$$dir'; rm -rf '$$dir EXIT; trap 'exit 130' INT TERM; \
	  bin/odradek cluster up --nodes 3 --dir $$dir --port 19092; echo "Ctrl-C stops them"; sleep infinity

chaos: build ## real processes under a seed's faults, judged as a universe is: SEED=1, and FOR=60s PLAN=file HISTORY=file
	@bin/odradek chaos $(if $(PLAN),--plan $(PLAN),--seed $(SEED) --nodes 3 $(if $(FOR),--for $(FOR))) $(if $(HISTORY),--history $(HISTORY))

found: ## the bugs that universes have found (sim/found), each plan again
	go test -count=1 -timeout 14m -v -run '^TestFoundBugsStayAway$$' ./sim

mutants: build ## known bugs laid over the source, which seeds find them: ONLY=name,…
	@bin/odradek mutants $(if $(ONLY),--only $(ONLY))

e2e: build ## real clusters against kcat (installed when it is missing) and franz-go
	@command -v kcat >/dev/null || { apt-get update -q && apt-get install -y -q kcat; }
	go test -tags e2e -count 1 -timeout 15m -v ./e2e

bench: build ## measure one broker of ours: WORKLOAD=name or file, and REPORT=file.html JSON=file HGRM=name
	@dir=$$(mktemp -d); trap 'bin/odradek cluster down --dir '$$dir'; rm -rf '$$dir EXIT; \
	  bin/odradek cluster up --nodes 1 --dir $$dir --port 24092 >$$dir/up; \
	  bin/odradek bench --bootstrap-server 127.0.0.1:24092 --workload $(WORKLOAD) --pid $$(sed -n 's/.* pid=//p' $$dir/up) $(if $(REPORT),--report $(REPORT)) $(if $(JSON),--json $(JSON)) $(if $(HGRM),--hgrm $(HGRM))

bench-compare: build ## measure against another commit, in turns: REF=commit, ROWS="produce_1KB_rf1 …" ROUNDS=5 PUBLISH=file.md
	@[ -n "$(REF)" ] || { echo "REF= is needed: the commit to compare with" >&2; exit 2; }
	@dir=$$(mktemp -d); trap 'git worktree remove --force '$$dir/tree'; rm -rf '$$dir EXIT; \
	  git worktree add -q --detach $$dir/tree $(REF); (cd $$dir/tree && go build -trimpath -o $$dir/odradek ./cmd/odradek); \
	  TABLE=1 COMMAND="make bench-compare REF=$(REF)" $(if $(PUBLISH),PUBLISH=$(PUBLISH)) ROUNDS=$(or $(ROUNDS),5) ROWS="$(or $(ROWS),produce_100B_rf1 produce_1KB_rf1 latency_1KB_rf1)" bench/turns this=bin/odradek $(REF)=$$dir/odradek

growth: build ## what a record costs with more partitions, clients and log: PARTITIONS="1 10 …" CLIENTS= GIB= RECORDS= ROUNDS=3 PUBLISH=file.md
	@$(foreach v,PARTITIONS CLIENTS GIB RECORDS ROUNDS PUBLISH,$(if $($(v)),$(v)="$($(v))")) bench/growth

compat: build ## what others wrote, against ours and the real Kafka: PEER=directory of its scripts, ONLY=client,…
	@PEER=$(PEER) ONLY=$(ONLY) compat/run java

compat-nojava: build ## kcat, Python, JavaScript and Go clients against ours: ONLY=client,…
	@ONLY=$(ONLY) compat/run nojava

differential: build ## drawn requests to ours and to the real Kafka, answers compared by field: PEER= CHECKS=100 SEED= MOVES=12 KEEP=name
	@PEER=$(PEER) $(if $(CHECKS),CHECKS=$(CHECKS)) $(if $(filter command line environment,$(origin SEED)),SEED=$(SEED)) $(if $(MOVES),MOVES=$(MOVES)) $(if $(KEEP),KEEP=$(KEEP)) compat/differential

franz-go: build ## franz-go's own integration tests against three nodes: RECORDS=500000
	@RECORDS=$(RECORDS) compat/franz-go

bench-peer: build ## beside the real Kafka, in turns: PEER=directory of its scripts, ROWS="produce_1KB_rf1 …" ROUNDS=3 KEEP=directory PUBLISH=file.md, and file.html beside it
	@$(if $(ROWS),ROWS="$(ROWS)") $(if $(ROUNDS),ROUNDS=$(ROUNDS)) $(if $(KEEP),KEEP=$(KEEP)) $(if $(PUBLISH),PUBLISH=$(PUBLISH)) bench/turns ours=bin/odradek peer=$(PEER)/kafka-cluster

bench-chaos: build ## latency and gaps under faults, beside the real Kafka, in turns: PEER=directory, ROWS="chaos_leader-kill_rf3 …" ROUNDS=1 PUBLISH=file.md
	@COMMAND="make bench-chaos" ROWS="$(or $(ROWS),chaos_leader-kill_rf3 chaos_rolling-restart_rf3 chaos_reassignment_rf3 chaos_rebalance_rf3)" ROUNDS=$(or $(ROUNDS),1) \
	  $(if $(KEEP),KEEP=$(KEEP)) $(if $(PUBLISH),PUBLISH=$(PUBLISH)) bench/turns ours=bin/odradek peer=$(PEER)/kafka-cluster

bench-groups: build ## what clients wait for at coordinators, beside the real Kafka, in turns: PEER=directory, ROWS="consumer_rf1 …" ROUNDS=3 PUBLISH=file.md
	@COMMAND="make bench-groups" ROWS="$(or $(ROWS),classic_rf1 classic-heartbeat-100ms_rf1 consumer_rf1 consumer-heartbeat-500ms_rf1 kill_rf3 stop_rf3 commit_rf1 commit_rf3)" ROUNDS=$(or $(ROUNDS),3) \
	  $(if $(KEEP),KEEP=$(KEEP)) $(if $(PUBLISH),PUBLISH=$(PUBLISH)) bench/turns ours=bin/odradek peer=$(PEER)/kafka-cluster

bench-faults: build ## three brokers of ours under load and faults: FAULTS=leader-kill, rolling-restart, reassignment, slow-disk, rebalance or file, and REPORT=file.html
	@dir=$$(mktemp -d); trap 'bin/odradek cluster down --dir '$$dir'; rm -rf '$$dir EXIT; \
	  bin/odradek cluster up --slow-disks --nodes 3 --dir $$dir --port 24092 >$$dir/up; \
	  bin/odradek bench --bootstrap-server $$(sed -n 's/^ready bootstrap=//p' $$dir/up) --faults $(or $(FAULTS),leader-kill) --control "bin/odradek cluster node --dir $$dir" $(if $(REPORT),--report $(REPORT)) $(if $(JSON),--json $(JSON))

scale: build ## 10,000 partitions on one node: created, written, restarted, read; its bounds on memory and time
	go test -tags e2e,scale -count 1 -timeout 15m -v -run '^TestTenThousandPartitions$$' ./e2e

clean: ## remove what was built
	rm -rf bin
