// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a guest's call with its arguments and the checked way into its memory.
internal import Glibc
internal import Wasm

/// One call of a WASI function. A module without a memory has an empty one: every access faults.
struct Guest {
    let call: HostCall
    let memory: GuestMemory
    let snapshot: Snapshot

    init(call: HostCall, snapshot: Snapshot) {
        self.call = call
        self.snapshot = snapshot
        let nowhere = UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
        memory = call.memory ?? GuestMemory(base: nowhere, byteCount: 0)
    }

    func u32(_ index: Int) -> UInt32 { call.i32(index) }
    func u64(_ index: Int) -> UInt64 { call.i64(index) }

    /// A flags argument; bits beyond the type are refused.
    func u16(_ index: Int) throws(Errno) -> UInt16 {
        guard let value = UInt16(exactly: call.i32(index)) else { throw .invalid }
        return value
    }

    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: UInt32) throws(Errno) -> T {
        guard let value = memory.load(type, at: offset) else { throw .fault }
        return value
    }

    func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: UInt32) throws(Errno) {
        guard memory.store(value, at: offset) else { throw .fault }
    }

    func bytes(_ offset: UInt32, _ count: UInt32) throws(Errno) -> UnsafeMutableRawBufferPointer {
        guard let slice = memory.slice(offset, count: UInt64(count)) else { throw .fault }
        return slice
    }

    /// The bytes of field `index` of a struct at `offset`, refusing to wrap around the address space.
    func address(_ offset: UInt32, plus distance: UInt64) throws(Errno) -> UInt32 {
        guard let sum = UInt32(exactly: UInt64(offset) + distance) else { throw .fault }
        return sum
    }

    /// A path or link target: valid UTF-8 without NUL, at most PATH_MAX - 1 bytes; returned with a terminating NUL.
    func path(_ offset: UInt32, _ count: UInt32) throws(Errno) -> [CChar] {
        let raw = try bytes(offset, count)
        // LIMIT: PATH_MAX of Linux.
        guard raw.count < Int(PATH_MAX) else { throw .nameTooLong }
        guard !raw.contains(0) else { throw .invalid }
        guard String(validating: raw, as: UTF8.self) != nil else { throw .illegalSequence }
        var path = [CChar](unsafeUninitializedCapacity: raw.count + 1) { buffer, count in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: UnsafeRawBufferPointer(raw))
            count = raw.count
        }
        path.append(0)
        return path
    }

    // LIMIT: IOV_MAX of Linux.
    static let vectorCountMax: UInt32 = 1024

    /// Resolves an array of (pointer, length) pairs; each must be inside the memory, the sum must fit 32 bits.
    func vectors(_ offset: UInt32, _ count: UInt32) throws(Errno) -> Vectors {
        guard count <= Guest.vectorCountMax else { throw .invalid }
        let table = try bytes(offset, count * 8)
        var vectors = Vectors()
        vectors.parts.reserveCapacity(Int(count))
        var total: UInt64 = 0
        for index in 0..<Int(count) {
            let start = UInt32(littleEndian: table.loadUnaligned(fromByteOffset: index * 8, as: UInt32.self))
            let length = UInt32(littleEndian: table.loadUnaligned(fromByteOffset: index * 8 + 4, as: UInt32.self))
            total += UInt64(length)
            guard total <= UInt64(UInt32.max) else { throw .invalid }
            let part = try bytes(start, length)
            if length > 0 { vectors.parts.append(iovec(iov_base: part.baseAddress, iov_len: part.count)) }
        }
        vectors.byteCount = Int(total)
        return vectors
    }
}

/// A scatter/gather list into guest memory; empty parts are left out.
struct Vectors {
    var parts: [iovec] = []
    var byteCount = 0

    /// Forgets the first `count` bytes, after a partial transfer.
    mutating func drop(_ count: Int) {
        byteCount -= count
        var rest = count
        var finished = 0
        while rest > 0, finished < parts.count {
            if parts[finished].iov_len <= rest {
                rest -= parts[finished].iov_len
                finished += 1
            } else {
                parts[finished].iov_base += rest
                parts[finished].iov_len -= rest
                rest = 0
            }
        }
        parts.removeFirst(finished)
    }

    /// The first `count` bytes only.
    func prefix(_ count: Int) -> Vectors {
        guard count < byteCount else { return self }
        var result = Vectors()
        for var part in parts where result.byteCount < count {
            part.iov_len = min(part.iov_len, count - result.byteCount)
            result.parts.append(part)
            result.byteCount += part.iov_len
        }
        return result
    }
}
