#!/usr/bin/env bash
# Builds everything into .build/release (programs) and .build/guests (example workloads).
# Usage: hack/build.sh [--tests]   one configuration serves the product and its tests.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v swift >/dev/null || { echo "the Swift 6.3 toolchain is needed: no 'swift' in PATH" >&2; exit 1; }
hack/install-requirements.sh build

# The workload processes are static-PIE; SwiftPM's default RUNPATH breaks them before main (docs/RATIONALE.md).
# Without frame pointers each interpreter handler is three instructions shorter.
export SWIFTLET_STATIC=1
flags=(-c release --disable-local-rpath --omit-frame-pointers)
[ "${1:-}" = --tests ] && flags+=(--build-tests)
swift build "${flags[@]}"

# The linker writes through a mapping, and the kernel keeps such a file in single pages until it is read from the disk
# again: a sandbox's start takes a quarter longer. Written like any other file it is kept in large pieces. Same file, same
# time: SwiftPM does not notice. A program that runs now cannot be written, and stays as it is.
for program in swiftlet swiftlet-sandbox containerd-shim-swiftlet-v1 swiftlet-oci; do
    program=.build/release/$program
    cp -p "$program" "$program.copy"
    if { cat "$program.copy" >"$program"; } 2>/dev/null; then touch -r "$program.copy" "$program"; fi
    rm -f "$program.copy"
done
hack/build-guests.sh
