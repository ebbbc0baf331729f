#!/usr/bin/env bash
# Checks what docs/security/sandbox.md and docs/RATIONALE.md promise of the built workload processes: static-PIE, no
# shared libraries, no Foundation, NIO or Concurrency, and small. Build first (hack/build.sh).
# usage: hack/verify-budgets.sh [BINARY-FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-.build/release}
limit_bytes=$((12 * 1000 * 1000))
status=0

fail() {
    echo "budget: $1" >&2
    status=1
}

verify() { # verify PROGRAM
    local program=$folder/$1 stripped bytes symbols
    [ -x "$program" ] || { fail "$program is not built"; return; }
    readelf -hW "$program" | grep -q 'Type: *DYN' || fail "$1 is not position-independent (no ASLR)"
    readelf -lW "$program" | grep -q INTERP && fail "$1 wants a dynamic linker"
    readelf -dW "$program" | grep -q NEEDED && fail "$1 needs shared libraries"
    # Module names as they are mangled: $s10Foundation…, $s7NIOCore…, $sScA (Actor), swift_task_create.
    # Into a variable first: `nm | grep -q` under pipefail calls an early match a failure of nm, and so no match.
    symbols=$(nm "$program")
    if grep -qE '\$s(10Foundation|20FoundationEssentials|7NIOCore|8NIOPosix)' <<<"$symbols"; then
        fail "$1 contains Foundation or NIO"
    fi
    if grep -qE ' T swift_task_create' <<<"$symbols"; then fail "$1 contains the concurrency runtime"; fi
    stripped=$(mktemp)
    strip -o "$stripped" "$program"
    bytes=$(stat -c %s "$stripped")
    rm -f "$stripped"
    [ "$bytes" -le "$limit_bytes" ] || fail "$1 is $bytes bytes stripped, limit $limit_bytes"
    echo "$1: $bytes bytes stripped"
}

verify swiftlet
verify swiftlet-sandbox
verify containerd-shim-swiftlet-v1
verify swiftlet-oci
exit $status
