// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: writes as many numbered lines as its argument says (default: without end).

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    let lineCount = arguments().dropFirst().first.flatMap { integer($0) } ?? Int.max
    let padding = Bytes(repeating: UInt8(ascii: "x"), count: 80)
    var number = 0
    while number < lineCount {
        var line = Bytes.text("line ")
        line.add(number)
        line.add(" ")
        printLine(line + padding)
        number += 1
    }
}
