// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: traps three calls deep, so that a backtrace has something to show.

@inline(never)
private func outermost(_ values: Bytes) -> UInt8 { middle(values) &+ 1 }

@inline(never)
private func middle(_ values: Bytes) -> UInt8 { innermost(values, at: values.count + 5) &+ 1 }

@inline(never)
private func innermost(_ values: Bytes, at index: Int) -> UInt8 { values[index] }

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    printLine("about to trap")
    exit(Int(outermost(.text("abc"))))
}
