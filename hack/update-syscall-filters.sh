#!/usr/bin/env bash
# Makes the seccomp filters of Sources/Sandbox/CSyscallFilters anew, with libseccomp, after a change of SyscallPolicy.swift.
set -euo pipefail
cd "$(dirname "$0")/.."

hack/install-requirements.sh build
export SWIFTLET_STATIC=1
swift build -c release --disable-local-rpath --omit-frame-pointers --product SyscallFilterWriter
filters=Sources/Sandbox/CSyscallFilters/Filters.c
.build/release/SyscallFilterWriter >"$filters.new"
mv "$filters.new" "$filters"
wc -l "$filters"
