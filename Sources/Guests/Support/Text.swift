// SPDX-License-Identifier: Apache-2.0
// Swiftlet guests: bytes in, bytes out. No String, so that no guest carries Unicode tables.

typealias Bytes = [UInt8]

extension Array where Element == UInt8 {
    static func text(_ literal: StaticString) -> Bytes {
        Bytes(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    mutating func add(_ literal: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    mutating func add(_ number: Int) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var digits: Bytes = []
        var rest = number.magnitude
        repeat {
            digits.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        append(contentsOf: digits.reversed())
    }

    func starts(with literal: StaticString) -> Bool {
        guard count >= literal.utf8CodeUnitCount else { return false }
        for index in 0..<literal.utf8CodeUnitCount where self[index] != literal.utf8Start[index] { return false }
        return true
    }

    func equals(_ literal: StaticString) -> Bool { count == literal.utf8CodeUnitCount && starts(with: literal) }
}

/// Writes all bytes to a descriptor; gives up when the other end is gone.
func write(_ bytes: Bytes, to fd: Int32) {
    var offset = 0
    while offset < bytes.count {
        var written: UInt32 = 0
        let errno = bytes.withUnsafeBytes { buffer -> Int32 in
            guard let base = buffer.baseAddress else { return 0 }
            var iov = (address(of: base + offset), UInt32(bytes.count - offset))
            return fd_write(fd, &iov, 1, &written)
        }
        guard errno == Errno.success else { return }
        offset += Int(written)
    }
}

func printLine(_ literal: StaticString) {
    var line = Bytes.text(literal)
    line.append(10)
    write(line, to: 1)
}

func printLine(_ bytes: Bytes) { write(bytes + [10], to: 1) }

/// A list of NUL-terminated strings as `args_get` and `environ_get` give them.
private func strings(
    sizes: (Pointer, Pointer) -> Int32, get: (Pointer, Pointer) -> Int32
) -> [Bytes] {
    var count: UInt32 = 0
    var byteCount: UInt32 = 0
    guard sizes(&count, &byteCount) == Errno.success, count > 0 else { return [] }
    let pointers = Pointer.allocate(byteCount: Int(count) * 4, alignment: 4)
    let buffer = Pointer.allocate(byteCount: Int(byteCount) + 1, alignment: 1)
    guard get(pointers, buffer) == Errno.success else { return [] }
    var result: [Bytes] = []
    for index in 0..<Int(count) {
        var cursor = Int(pointers.load(fromByteOffset: index * 4, as: UInt32.self)) - Int(bitPattern: buffer)
        var text: Bytes = []
        while buffer.load(fromByteOffset: cursor, as: UInt8.self) != 0 {
            text.append(buffer.load(fromByteOffset: cursor, as: UInt8.self))
            cursor += 1
        }
        result.append(text)
    }
    return result
}

func arguments() -> [Bytes] {
    strings(sizes: { args_sizes_get($0, $1) }, get: { args_get($0, $1) })
}

/// The value of an environment variable, or nil.
func environment(_ name: StaticString) -> Bytes? {
    for entry in strings(sizes: { environ_sizes_get($0, $1) }, get: { environ_get($0, $1) }) {
        let length = name.utf8CodeUnitCount
        if entry.count > length, entry.starts(with: name), entry[length] == UInt8(ascii: "=") {
            return Bytes(entry[(length + 1)...])
        }
    }
    return nil
}

func integer(_ bytes: Bytes) -> Int? {
    guard !bytes.isEmpty, bytes.count < 19 else { return nil }
    var value = 0
    for byte in bytes {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return value
}

/// Nanoseconds of the monotonic clock.
func now() -> UInt64 {
    var time: UInt64 = 0
    _ = clock_time_get(1, 1000, &time)
    return time
}

/// Sleeps by `poll_oneoff` on a clock; returns early when the supervisor asks the guest to stop.
func sleep(milliseconds: Int) {
    var poll = Poll()
    poll.add(timeoutNanoseconds: UInt64(milliseconds) * 1_000_000)
    _ = poll.wait()
}

/// Ends the guest with an exit status.
func exit(_ code: Int) -> Never {
    proc_exit(Int32(truncatingIfNeeded: code))
    while true {}
}
