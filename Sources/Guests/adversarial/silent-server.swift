// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: connections to port 8080 are established, and never answered.

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    guard HTTPServer(port: 8080, handler: { _ in Response(status: 200, reason: "OK", body: []) }) != nil else {
        exit(1)
    }
    printLine("listening, and silent")
    // The kernel completes the handshakes of a listening socket; nobody accepts, nobody answers.
    while true { sleep(milliseconds: 1000) }
}
