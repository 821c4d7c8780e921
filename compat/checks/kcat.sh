#!/usr/bin/env bash
# kcat: librdkafka of the distribution, as a tool of the shell. kcat.sh BOOTSTRAP
set -uo pipefail
. "$(dirname "$0")/report.sh"
k() { timeout 60 kcat -q -b "$BOOTSTRAP" "$@"; }
seq 5000 | sed 's/.*/k&:line &/' >"$work/in"

produce() { k -P -t "$1" -K: -H h=v -X acks=all -X enable.idempotence=true -l "$work/in" "${@:2}"; }

codecs() {
  local codec topic
  for codec in none gzip snappy lz4 zstd; do
    topic=$(fresh "kcat-$codec")
    produce "$topic" -z "$codec"
    k -C -t "$topic" -o beginning -e -X check.crcs=true -f '%k:%s %h\n' | sed 's/ h=v$//' >"$work/got"
    same "$work/in" "$work/got"
  done
}

group() {
  local topic group; topic=$(fresh kcat-group) group=$(fresh g)
  produce "$topic"
  k -G "$group" -X auto.offset.reset=earliest -c 5000 -f '%k:%s\n' "$topic" >"$work/got"
  same "$work/in" "$work/got"
  echo new | k -P -t "$topic"
  [ "$(k -G "$group" -X auto.offset.reset=earliest -c 1 -f '%s\n' "$topic")" = new ]
}

offsets() {
  local topic; topic=$(fresh kcat-offsets)
  produce "$topic" -p 0
  k -C -t "$topic" -p 0 -o 4990 -e -f '%k:%s\n' >"$work/got"
  diff <(tail -10 "$work/in") "$work/got"
  k -Q -t "$topic:0:0" | grep 'offset 0$' >/dev/null
  k -C -t "$topic" -p 0 -o -3 -e -f '%k:%s\n' >"$work/got"
  diff <(tail -3 "$work/in") "$work/got"
}

transaction() {
  local topic; topic=$(fresh kcat-txn)
  k -P -t "$topic" -K: -X transactional.id="$topic" -l "$work/in"
  k -C -t "$topic" -o beginning -e -X isolation.level=read_committed -f '%k:%s\n' >"$work/got"
  same "$work/in" "$work/got"
}

metadata() {
  local topic; topic=$(fresh kcat-meta)
  produce "$topic"
  timeout 30 kcat -L -J -m 20 -b "$BOOTSTRAP" >"$work/json"
  grep -q "\"topic\": *\"$topic\"" "$work/json"
  [ "$(grep -o '"name": *"127[0-9.:]*"' "$work/json" | sort -u | wc -l)" = 3 ]
}

check "idempotent producer, every codec, keys and headers" codecs
check "consumer group goes on where it was committed" group
check "offsets: absolute, by time, from the end" offsets
check "a transaction, read_committed" transaction
check "metadata of the whole cluster" metadata
