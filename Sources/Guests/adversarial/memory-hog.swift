// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: takes memory 1 MiB at a time and touches it, until it is refused or killed.

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    let limitMebibytes = arguments().dropFirst().first.flatMap { integer($0) } ?? 4096
    var taken = 0
    var pointer: Pointer?
    while taken < limitMebibytes {
        guard posix_memalign(&pointer, 16, 1 << 20) == 0, let block = pointer else { break }
        for offset in Swift.stride(from: 0, to: 1 << 20, by: 4096) {
            block.storeBytes(of: UInt8(truncatingIfNeeded: taken | 1), toByteOffset: offset, as: UInt8.self)
        }
        taken += 1
    }
    var message = Bytes.text("took MiB: ")
    message.add(taken)
    printLine(message)
    if taken < limitMebibytes { exit(3) }
}

@_extern(c)
func posix_memalign(_ result: UnsafeMutablePointer<Pointer?>, _ alignment: UInt, _ count: UInt) -> Int32
