// SPDX-License-Identifier: Apache-2.0
// Swiftlet guest: recursion without end; the engine must stop it with "call stack exhausted".

@inline(never)
private func descend(_ depth: Int) -> Int {
    // The addition after the call keeps the compiler from turning the recursion into a loop.
    opaque(depth) == -1 ? 0 : descend(depth + 1) &+ opaque(depth)
}

@inline(never)
private func opaque(_ value: Int) -> Int {
    var copy = value
    return withUnsafeMutablePointer(to: &copy) { $0.pointee ^ Int(now() & 0) }
}

@_expose(wasm, "_start")
@_cdecl("_start")
public func start() {
    var message = Bytes.text("depth sum: ")
    message.add(descend(0))
    printLine(message)
}
