// SPDX-License-Identifier: Apache-2.0
// Swiftlet guests: poll_oneoff with the record layouts of WASI preview 1 (subscription 48 bytes, event 32 bytes).

struct Poll {
    struct Event {
        var userdata: Int
        var error: Int32
        var isClock: Bool
        var isHangUp: Bool
    }

    private var subscriptions: Bytes = []
    private var count = 0

    init() {}

    private mutating func record(_ userdata: Int, _ tag: UInt8) -> Int {
        let base = subscriptions.count
        subscriptions.append(contentsOf: Bytes(repeating: 0, count: 48))
        put(UInt64(userdata), at: base)
        subscriptions[base + 8] = tag
        count += 1
        return base
    }

    private mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        var rest = value
        for index in 0..<(T.bitWidth / 8) {
            subscriptions[offset + index] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
        }
    }

    mutating func add(timeoutNanoseconds: UInt64) {
        let base = record(-1 & 0x7FFF_FFFF, 0)
        put(UInt32(1), at: base + 16)
        put(timeoutNanoseconds, at: base + 24)
    }

    mutating func add(readable fd: Int32, userdata: Int) {
        let base = record(userdata, 1)
        put(UInt32(bitPattern: fd), at: base + 16)
    }

    mutating func add(writable fd: Int32, userdata: Int) {
        let base = record(userdata, 2)
        put(UInt32(bitPattern: fd), at: base + 16)
    }

    /// Waits for at least one event.
    func wait() -> [Event] {
        let events = Pointer.allocate(byteCount: count * 32, alignment: 8)
        defer { events.deallocate() }
        var ready: UInt32 = 0
        let errno = subscriptions.withUnsafeBytes { buffer -> Int32 in
            guard let base = buffer.baseAddress else { return -1 }
            return poll_oneoff(base, events, Int32(count), &ready)
        }
        guard errno == Errno.success else { return [] }
        var result: [Event] = []
        for index in 0..<Int(ready) {
            let event = events + index * 32
            result.append(
                Event(
                    userdata: Int(truncatingIfNeeded: event.load(as: UInt64.self)),
                    error: Int32(event.load(fromByteOffset: 8, as: UInt16.self)),
                    isClock: event.load(fromByteOffset: 10, as: UInt8.self) == 0,
                    isHangUp: event.load(fromByteOffset: 24, as: UInt16.self) & 1 != 0))
        }
        return result
    }
}
