// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: sleeps for ever, waking up and going back to sleep when asked to stop.

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    printLine("sleeping")
    while true { sleep(milliseconds: 1000) }
}
