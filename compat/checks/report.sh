# How a check tells what it saw: a line a subject, `ok WHAT` or `not ok WHAT@@reason`. Sourced, never run.
BOOTSTRAP=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# check WHAT FUNCTION: runs the function in a shell of its own, where the first command that fails ends it. (As the condition of an
# `if` that shell would ignore failures.)
check() {
  (set -e; "$2") >"$work/out" 2>&1
  if [ $? = 0 ]; then
    echo "ok $1"
  else
    [ -z "${COMPAT_VERBOSE:-}" ] || cat "$work/out" >&2
    echo "not ok $1@@$(grep -v '^$' "$work/out" | tail -1 | tr -s '\t ' ' ' | cut -c1-200)"
  fi
}

fresh() { echo "$1-$$-$RANDOM"; }

# same SENT CAME: compares the lines of two files, in any order.
same() { [ -s "$1" ] && diff <(sort "$1") <(sort "$2") >"$work/diff" || { echo "$(wc -l <"$work/diff") lines of difference: $(head -2 "$work/diff" | tail -1)"; return 1; }; }
