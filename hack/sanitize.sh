#!/usr/bin/env bash
# Runs the engine's tests under AddressSanitizer, its C part under UndefinedBehaviorSanitizer too, then libFuzzer on the
# decoder and validator, the text parser, and execution. Usage: hack/sanitize.sh [tests|fuzz]…   (default: both)
# SWIFTLET_FUZZ_SECONDS (default 60) per fuzzer; corpora grow in .build/fuzz/corpus, inputs of failures lie beside them.
# The Swift compiler has no UndefinedBehaviorSanitizer on Linux: Swift traps by itself where C would be undefined.
set -euo pipefail
cd "$(dirname "$0")/.."

hack/install-requirements.sh test
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1
undefined=(-Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined)
suites='^(WasmTests|WasmTextTests|WasmRuntimeTests)\.'

run_tests() {
    SWIFTLET_ONLY=WasmTests,WasmTextTests,WasmRuntimeTests swift build --scratch-path .build/sanitize -c release \
        --disable-local-rpath --sanitize address "${undefined[@]}" --build-tests
    .build/sanitize/release/swiftletPackageTests.xctest --testing-library swift-testing --no-parallel --filter "$suites"
}

fuzz() { # fuzz KIND FOLDER-OF-SEEDS…
    local kind=$1 corpus=.build/fuzz/corpus/$1; shift
    mkdir -p "$corpus"
    SWIFTLET_FUZZ=$kind .build/fuzzer/release/EngineFuzz -max_total_time="${SWIFTLET_FUZZ_SECONDS:-60}" -max_len=65536 \
        -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix=".build/fuzz/$kind-" "$corpus" "$@"
}

run_fuzzers() {
    SWIFTLET_FUZZER=1 SWIFTLET_ONLY=EngineFuzz swift build --scratch-path .build/fuzzer -c release \
        --disable-local-rpath --sanitize address -Xswiftc -sanitize=fuzzer -Xcc -fsanitize=fuzzer-no-link \
        "${undefined[@]}" -Xlinker --defsym=main=EngineFuzz_main --product EngineFuzz
    # Seeds: the modules and texts of the specification suite, one folder without the directories between.
    local seeds=.build/fuzz/seeds shared=${SWIFTLET_SHARED:-../shared} file
    mkdir -p "$seeds/module" "$seeds/text"
    while IFS= read -r file; do
        ln -sf "$(realpath "$file")" "$seeds/module/$(basename "$(dirname "$file")")-$(basename "$file")"
    done < <(find "$shared/testdata/wasm-spec" -name '*.wasm' -size -32k 2>/dev/null)
    while IFS= read -r file; do
        ln -sf "$(realpath "$file")" "$seeds/text/$(basename "$(dirname "$file")")-$(basename "$file")"
    done < <(find "$shared/testdata/wasm-spec" -name '*.wat' -size -32k 2>/dev/null)
    fuzz module "$seeds/module"
    fuzz text "$seeds/text"
    fuzz run "$seeds/module"
}

[ $# -eq 0 ] && set -- tests fuzz
for what in "$@"; do
    case $what in
    tests) run_tests ;;
    fuzz) run_fuzzers ;;
    *) echo "usage: hack/sanitize.sh [tests|fuzz]…" >&2; exit 2 ;;
    esac
done
