#!/usr/bin/env bash
# Runs the commands that README.md shows in blocks marked <!-- verified -->; the build must be there.
set -euo pipefail
cd "$(dirname "$0")/.."

script=$(awk '/^<!-- verified -->$/ { marked = 1; next } /^```/ { if (inside) { inside = 0 } else if (marked) { inside = 1; marked = 0 } next } inside' README.md)
[ -n "$script" ] || { echo "README.md: no verified block found" >&2; exit 1; }
bash -euxo pipefail -c "$script"
