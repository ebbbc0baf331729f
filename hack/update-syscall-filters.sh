#!/usr/bin/env bash
# Makes the seccomp filters of Sources/Sandbox/CSyscallFilters anew, with libseccomp, after a change of SyscallPolicy.swift.
set -euo pipefail
cd "$(dirname "$0")/.."

hack/install-requirements.sh build
filters=Sources/Sandbox/CSyscallFilters/Filters.c
SWIFTLET_ONLY=SyscallFilterWriter swift build --scratch-path .build/filters --product SyscallFilterWriter >&2
.build/filters/debug/SyscallFilterWriter >"$filters.new"
mv "$filters.new" "$filters"
wc -l "$filters"
