#!/usr/bin/env bash
# The Java clients, their tools and what is built on them, of the real distribution: java.sh BOOTSTRAP PEER
set -uo pipefail
. "$(dirname "$0")/report.sh"
PEER=$2
export PEER_RF=3 PERF_SMALL=${PERF_SMALL:-200000} PERF_LARGE=${PERF_LARGE:-20000} PERF_E2E=${PERF_E2E:-500}
tool() { timeout 120 "$PEER/kafka-tool" "$1" --bootstrap-server "$BOOTSTRAP" "${@:2}"; }
topic() { tool TopicCommand --create --topic "$1" --partitions "${2:-3}" --replication-factor 3; }
seq 2000 | sed 's/.*/k&:line &/' >"$work/in"
produce() { tool ConsoleProducer --topic "$1" --reader-property parse.key=true --reader-property key.separator=: "${@:2}" <"$work/in"; }
consume() { tool ConsoleConsumer --topic "$1" --timeout-ms 30000 --max-messages 2000 --formatter-property print.key=true --formatter-property key.separator=: "${@:2}"; }

console() {
  local topic codec; topic=$(fresh java)
  topic "$topic"
  produce "$topic" --compression-codec zstd
  consume "$topic" --from-beginning >"$work/got"
  same "$work/in" "$work/got"
}

groups() { # PROTOCOL
  local topic group; topic=$(fresh java-group) group=$(fresh g)
  topic "$topic"
  produce "$topic"
  consume "$topic" --group "$group" --command-property group.protocol="$1" --command-property auto.offset.reset=earliest >"$work/got"
  same "$work/in" "$work/got"
  tool ConsumerGroupCommand --describe --group "$group" --offsets >"$work/groups"
  [ "$(awk -v t="$topic" '$2 == t { sum += $4; lag += $6 } END { print sum, lag + 0 }' "$work/groups")" = "2000 0" ]
  tool ConsumerGroupCommand --reset-offsets --group "$group" --topic "$topic" --to-earliest --execute >"$work/groups"
  consume "$topic" --group "$group" --command-property group.protocol="$1" >"$work/got"
  same "$work/in" "$work/got"
  tool ConsumerGroupCommand --delete --group "$group" | grep successful >/dev/null
}
classic() { groups classic; }
kip848() { groups consumer; }

# A group that goes from the classic protocol to that of KIP-848 and back while it reads: members of both are in it for a while, and every
# line is read once.
migration() {
  local topic group; topic=$(fresh java-migrate) group=$(fresh g)
  topic "$topic"
  member a classic; eventually members 1; written 1
  member b consumer; eventually kind Consumer; eventually members 2; written 2
  gone a; eventually members 1; written 3
  member c classic; eventually members 2; kind Consumer; written 4
  gone b; eventually kind Classic; written 5
  gone c
  for _ in 1 2 3 4 5; do cat "$work/in"; done >"$work/all"
  cat "$work"/member-* >"$work/got"
  same "$work/all" "$work/got"
}
declare -A member
# member NAME PROTOCOL: starts a member, which reads into a file of its own.
member() {
  setsid "$PEER/kafka-tool" ConsoleConsumer --bootstrap-server "$BOOTSTRAP" --topic "$topic" --group "$group" --command-property group.protocol="$2" \
    --command-property auto.offset.reset=earliest --formatter-property print.key=true --formatter-property key.separator=: >"$work/member-$1" &
  member[$1]=$!
}
# gone NAME: has a member leave, and waits for its end.
gone() {
  kill -- "-${member[$1]}"
  while kill -0 -- "-${member[$1]}" 2>/dev/null; do sleep 0.1; done
}
# eventually COMMAND...: has half a minute to be true.
eventually() {
  local end=$((SECONDS + 30))
  until "$@"; do [ $SECONDS -lt $end ] || { echo "never: $*"; return 1; }; done
}
members() { [ "$(tool ConsumerGroupCommand --describe --members --group "$group" | grep -c "^$group ")" = "$1" ]; }
kind() { tool ConsumerGroupCommand --list --type | grep -w "$group" | grep -w "$1"; }
# written N: writes all lines for the Nth time, and waits until that many have been read, by whomever.
written() {
  produce "$topic"
  eventually readSoFar $(($1 * 2000))
}
readSoFar() { sleep 0.2; [ "$(cat "$work"/member-* | wc -l)" -ge "$1" ]; }

share() {
  local topic group; topic=$(fresh java-share) group=$(fresh s)
  topic "$topic"
  tool ConfigCommand --alter --entity-type groups --entity-name "$group" --add-config share.auto.offset.reset=earliest
  produce "$topic"
  tool ConsoleShareConsumer --topic "$topic" --group "$group" --timeout-ms 30000 --max-messages 2000 \
    --formatter-property print.key=true --formatter-property key.separator=: >"$work/got"
  same "$work/in" "$work/got"
}

topics() {
  local topic; topic=$(fresh java-topics)
  topic "$topic" 2
  tool TopicCommand --alter --topic "$topic" --partitions 4
  tool ConfigCommand --alter --entity-type topics --entity-name "$topic" --add-config retention.ms=1234567
  sleep 1
  tool TopicCommand --describe --topic "$topic" >"$work/topics"
  [ "$(grep -c 'Partition: ' "$work/topics")" = 4 ]
  grep -q retention.ms=1234567 "$work/topics"
  tool TopicCommand --delete --topic "$topic"
  sleep 1
  tool TopicCommand --list >"$work/topics"
  ! grep -qx "$topic" "$work/topics"
}

reassignment() {
  local topic; topic=$(fresh java-reassign)
  tool TopicCommand --create --topic "$topic" --partitions 1 --replication-factor 1
  produce "$topic"
  echo "{\"version\":1,\"partitions\":[{\"topic\":\"$topic\",\"partition\":0,\"replicas\":[3,1,2]}]}" >"$work/plan"
  tool ReassignPartitionsCommand --reassignment-json-file "$work/plan" --execute
  for _ in $(seq 30); do
    tool ReassignPartitionsCommand --reassignment-json-file "$work/plan" --verify >"$work/verify"
    ! grep -q "still in progress" "$work/verify" || continue
    grep -q "is completed" "$work/verify" && break
  done
  tool TopicCommand --describe --topic "$topic" | grep 'Replicas: 3,1,2' >/dev/null
  consume "$topic" --from-beginning >"$work/got"
  same "$work/in" "$work/got"
}

records() {
  local topic; topic=$(fresh java-records)
  topic "$topic" 1
  produce "$topic"
  echo "{\"partitions\":[{\"topic\":\"$topic\",\"partition\":0,\"offset\":500}],\"version\":1}" >"$work/records"
  tool DeleteRecordsCommand --offset-json-file "$work/records" | grep 'low_watermark: 500' >/dev/null
  [ "$(tool GetOffsetShell --topic "$topic" --time earliest)" = "$topic:0:500" ]
  [ "$(tool GetOffsetShell --topic "$topic" --time latest)" = "$topic:0:2000" ]
}

verifiable() {
  local topic; topic=$(fresh java-verifiable)
  topic "$topic"
  tool VerifiableProducer --topic "$topic" --max-messages 5000 --acks -1 | grep '"acked":5000' >/dev/null
  tool VerifiableConsumer --topic "$topic" --group-id "$topic" --max-messages 5000 >"$work/got"
  [ "$(grep '"name":"records_consumed"' "$work/got" | grep -o '"count":[0-9]*' | awk -F: '{ sum += $2 } END { print sum }')" = 5000 ]
}

compatibility() {
  local topic; topic=$(fresh java-compat)
  timeout 120 "$PEER/kafka-tool" ClientCompatibilityTest --bootstrap-server "$BOOTSTRAP" --topic "$topic" --num-cluster-nodes 3 \
    --offsets-for-times-supported true --cluster-id-supported true --expect-record-too-large-exception false \
    --create-topics-supported true --describe-acls-supported true --describe-configs-supported true --idempotent-producer-supported true
}

producers() {
  local topic; topic=$(fresh java-txn)
  topic "$topic" 1
  produce "$topic"
  tool TransactionsCommand list >"$work/list"
  tool TransactionsCommand describe-producers --topic "$topic" --partition 0 | grep ProducerId >/dev/null
}

quorum() {
  tool MetadataQuorumCommand describe --status | grep LeaderId >/dev/null
  [ "$(tool MetadataQuorumCommand describe --replication | tail -n +2 | wc -l)" = 3 ]
}

features() { tool FeatureCommand describe | grep 'metadata.version' >/dev/null; }
logdirs() { local topic; topic=$(fresh java-dirs); topic "$topic" 1; tool LogDirsCommand --describe --topic-list "$topic" | grep "$topic-0" >/dev/null; }
versions() { [ "$(tool BrokerApiVersionsCommand | grep -c 'id: [123] ')" = 3 ]; }
quotas() {
  local client; client=$(fresh c)
  tool ConfigCommand --alter --entity-type clients --entity-name "$client" --add-config producer_byte_rate=123456
  tool ConfigCommand --describe --entity-type clients --entity-name "$client" | grep producer_byte_rate=123456 >/dev/null
}
scram() {
  local user; user=$(fresh u)
  tool ConfigCommand --alter --entity-type users --entity-name "$user" --add-config 'SCRAM-SHA-256=[password=secret]'
  tool ConfigCommand --describe --entity-type users --entity-name "$user" | grep SCRAM-SHA-256 >/dev/null
}
election() { tool LeaderElectionCommand --election-type PREFERRED --all-topic-partitions; }

streams() { "$PEER/streams-wordcount" "$BOOTSTRAP" "$1" "${2:-classic}"; }
exactlyOnce() { streams exactly_once_v2; }
atLeastOnce() { streams at_least_once; }
streamsGroup() { streams at_least_once streams; }
connectStandalone() { timeout 240 "$PEER/connect-file" "$BOOTSTRAP" standalone; }
connectDistributed() { timeout 240 "$PEER/connect-file" "$BOOTSTRAP" distributed; }
mirror() { timeout 400 "$PEER/mirror" "$BOOTSTRAP" "$BOOTSTRAP"; }
perf() {
  "$PEER/perf" "$BOOTSTRAP" 3 >"$work/perf"
  [ "$(grep -c 'records sent' "$work/perf")" = 2 ]
  grep -q '^end-to-end.*99' "$work/perf"
}

check "console producer and consumer" console
check "classic group: committed, described, reset, deleted" classic
check "KIP-848 group: committed, described, reset, deleted" kip848
check "group of members of both protocols: classic to KIP-848 and back" migration
check "share group (KIP-932): console share consumer" share
check "topics: create, alter, describe, delete" topics
check "reassignment to other replicas" reassignment
check "records deleted, offsets" records
check "verifiable producer and consumer" verifiable
check "ClientCompatibilityTest" compatibility
check "producers described" producers
check "quorum described" quorum
check "features described" features
check "log directories described" logdirs
check "API versions of every node" versions
check "client quotas" quotas
check "SCRAM users" scram
check "preferred leaders elected" election
check "Streams word count, exactly_once_v2" exactlyOnce
check "Streams word count, at_least_once" atLeastOnce
check "Streams word count, streams group (KIP-1071)" streamsGroup
check "Connect file source and sink, standalone" connectStandalone
check "Connect file source and sink, distributed, exactly-once source" connectDistributed
check "MirrorMaker 2, with the group's offsets" mirror
check "performance tools" perf
