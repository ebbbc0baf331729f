#!/usr/bin/env bash
# The main job: installs what is missing, builds, and runs manifests/wasm-api.yaml until Ctrl-C.
# Usage: hack/run.sh [FILE…]   other manifests instead
set -euo pipefail
cd "$(dirname "$0")/.."

hack/build.sh
files=("$@")
[ ${#files[@]} -eq 0 ] && files=(manifests/wasm-api.yaml)
arguments=()
for file in "${files[@]}"; do arguments+=(-f "$file"); done
exec .build/release/swiftlet up "${arguments[@]}"
