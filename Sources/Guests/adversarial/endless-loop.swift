// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: never ends, never calls the host, ignores every request to stop.

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    printLine("looping")
    var counter: UInt64 = 0
    while true { counter = counter &* 6_364_136_223_846_793_005 &+ 1 }
}
