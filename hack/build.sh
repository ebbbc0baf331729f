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
hack/build-guests.sh
