#!/usr/bin/env bash
# Runs the WebAssembly specification suite and prints one line per suite and the totals.
set -euo pipefail
cd "$(dirname "$0")/.."
export SWIFTLET_STATIC=1 SWIFTLET_ONLY=WebAssemblySpecTests
flags=(-c release --disable-local-rpath --scratch-path .build)
swift build "${flags[@]}" --build-tests >&2
swift test "${flags[@]}" --skip-build --filter WebAssemblySpecTests | grep -E '^(core/|spec:)|failed|recorded' || true
