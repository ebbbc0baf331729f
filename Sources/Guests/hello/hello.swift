// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: greets each of its arguments.

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    let names = arguments().dropFirst()
    if names.isEmpty { return printLine("hello from wasm") }
    for name in names { printLine(.text("hello, ") + name) }
}
