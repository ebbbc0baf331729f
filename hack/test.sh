#!/usr/bin/env bash
# Everything: checks of the tree, one build, every test, what README shows.
# What failed is said again at the very end.
# Usage: hack/test.sh [--filter PATTERN]
set -euo pipefail
cd "$(dirname "$0")/.."

hack/install-requirements.sh test
hack/verify-layers.sh
hack/verify-format.sh
hack/build.sh --tests
hack/verify-budgets.sh
hack/verify-readme.sh
hack/fuzz.sh 500
export SWIFTLET_STATIC=1
hack/run-recorded.sh .build/test-output.txt \
    swift test -c release --disable-local-rpath --omit-frame-pointers --skip-build --no-parallel "$@"
# The same programs on a machine with cgroup version 2 alone; a filter asks for something else.
[ $# -gt 0 ] || hack/run-recorded.sh .build/test-output-cgroup2.txt hack/test-cgroup2.sh
