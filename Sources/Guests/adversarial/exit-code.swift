// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: exits with the code given as its argument (default 7).

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    let code = arguments().dropFirst().first.flatMap { integer($0) } ?? 7
    var message = Bytes.text("exiting with ")
    message.add(code)
    printLine(message)
    exit(code)
}
