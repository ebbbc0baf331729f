#!/usr/bin/env bash
# Builds the example and test workloads of Sources/Guests to .build/guests/NAME.wasm with the Swift toolchain alone.
set -euo pipefail
cd "$(dirname "$0")/.."

out=.build/guests
mkdir -p "$out/objects"
toolchain=$(dirname "$(readlink -f "$(command -v swiftc)")")
support=Sources/Guests/Support
object=$out/objects/runtime.o

newer() { # newer TARGET SOURCE…: is any source newer than the target?
    local target=$1 candidate; shift
    [ ! -e "$target" ] && return 0
    for candidate in "$@"; do [ "$candidate" -nt "$target" ] && return 0; done
    return 1
}

if newer "$object" "$support/runtime.c"; then
    "$toolchain/clang" --target=wasm32-unknown-none-wasm -O2 -ffreestanding -fno-builtin -mbulk-memory -nostdlib \
        -c "$support/runtime.c" -o "$object"
fi

build() { # build SOURCE: one source file with the support files makes one module
    local source=$1 name
    name=$(basename "$source" .swift)
    newer "$out/$name.wasm" "$source" "$support"/*.swift "$object" hack/build-guests.sh || return 0
    "$toolchain/swiftc" -target wasm32-unknown-none-wasm -enable-experimental-feature Embedded \
        -enable-experimental-feature Extern -wmo -O -parse-as-library -Xfrontend -disable-stack-protector \
        -module-name "$(tr - _ <<<"$name")_guest" -c "$support"/*.swift "$source" -o "$out/objects/$name.o"
    "$toolchain/wasm-ld" --no-entry --export=_start --export-if-defined=healthy --gc-sections -z stack-size=65536 \
        "$out/objects/$name.o" "$object" -o "$out/$name.wasm"
    echo "guest $name: $(stat -c %s "$out/$name.wasm") bytes"
}

for source in Sources/Guests/{hello,wasm-api,batch-job,adversarial}/*.swift; do build "$source"; done
