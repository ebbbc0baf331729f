#!/usr/bin/env bash
# Runs the WebAssembly specification suite: a line per suite, why something is skipped, and the totals as the last line.
# Writes the table to docs/reference/conformance.md.
set -euo pipefail
cd "$(dirname "$0")/.."
export SWIFTLET_STATIC=1 SWIFTLET_CONFORMANCE_TABLE=$PWD/docs/reference/conformance.md
flags=(-c release --disable-local-rpath --omit-frame-pointers)
SWIFTLET_ONLY=${SWIFTLET_ONLY:-WebAssemblySpecTests} swift build "${flags[@]}" --build-tests >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
SWIFTLET_ONLY=${SWIFTLET_ONLY:-WebAssemblySpecTests} swift test "${flags[@]}" --skip-build --no-parallel \
    --filter WebAssemblySpecTests >"$log" 2>&1 || status=$?
grep -E '^(core|simd|custom|legacy|proposals)/|recorded an issue' "$log" || true
# The totals last, whatever the test library prints after them.
grep -E '^spec: ' "$log" || { tail -20 "$log" >&2; status=1; }
exit $status
