"""How a check tells what it saw: a line a subject, `ok WHAT` or `not ok WHAT@@reason`."""

import os
import sys
import traceback
import uuid

BOOTSTRAP = sys.argv[1]


def fresh(name):
    """A name that nobody used before: the clusters are used more than once."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


def check(what):
    """Runs the decorated function now, and reports whether it ended without an exception."""

    def run(function):
        try:
            function()
            print(f"ok {what}", flush=True)
        except Exception as error:  # whatever a client throws is what is reported
            if os.environ.get("COMPAT_VERBOSE"):
                traceback.print_exc()
            reason = " ".join(f"{type(error).__name__} {error}".split())
            print(f"not ok {what}@@{reason[:200]}", flush=True)
        return function

    return run


def same(got, want):
    if got != want:
        raise AssertionError(f"{str(got)[:80]} instead of {str(want)[:80]}")


def values(n, size=20):
    return [f"{i:06d}-".ljust(size, "x").encode() for i in range(n)]
