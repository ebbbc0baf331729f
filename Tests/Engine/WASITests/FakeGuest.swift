// SPDX-License-Identifier: Apache-2.0
// Swiftlet: calls host functions without an engine, over a plain buffer as the guest's memory.
import Glibc
import WASI
import Wasm

/// A guest that is nothing but memory: the test plays its part.
final class FakeGuest {
    enum Argument: ExpressibleByIntegerLiteral {
        case i32(UInt32)
        case i64(UInt64)

        init(integerLiteral value: UInt32) { self = .i32(value) }

        var slot: UInt64 {
            switch self {
            case .i32(let value): UInt64(value)
            case .i64(let value): value
            }
        }
    }

    let context: WASIContext
    let waiter: Waiter
    let module: String
    let bytes: UnsafeMutableRawBufferPointer
    /// Where `allocate` continues; below 64 KiB a test places things itself.
    private var next: UInt32 = 65_536
    /// Kept while the guest lives.
    var directory: TemporaryDirectory?

    private let base: UnsafeMutableRawPointer
    var memory: GuestMemory { GuestMemory(base: base, byteCount: bytes.count) }

    init(
        _ configuration: WASIConfiguration = WASIConfiguration(), waiter: Waiter = Waiter(),
        module: String = "wasi_snapshot_preview1"
    ) {
        self.waiter = waiter
        self.module = module
        context = WASIContext(configuration, waiter: waiter)
        base = .allocate(byteCount: 1 << 20, alignment: 16)
        bytes = UnsafeMutableRawBufferPointer(start: base, count: 1 << 20)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { base.deallocate() }

    /// Calls a function by the type that the arguments make; the errno, or nil when there is no such function.
    func call(_ name: String, _ arguments: Argument...) -> Errno? {
        let types = arguments.map { argument -> ValueType in if case .i64 = argument { .i64 } else { .i32 } }
        let type = FunctionType(parameters: types, results: [.i32])
        guard let function = context.function(module: module, name: name, type: type) else { return nil }
        let (outcome, result) = run(function, arguments.map(\.slot))
        guard outcome == .returned else { return nil }
        return Errno(rawValue: UInt16(truncatingIfNeeded: result))
    }

    /// Calls a function that may end the guest.
    func outcome(_ name: String, results: [ValueType], _ argument: UInt32) -> HostOutcome? {
        let type = FunctionType(parameters: [.i32], results: results)
        guard let function = context.function(module: module, name: name, type: type) else { return nil }
        return run(function, [UInt64(argument)]).0
    }

    private func run(_ function: HostFunction, _ arguments: [UInt64]) -> (HostOutcome, UInt64) {
        var result = UInt64.max
        let outcome = (arguments + [0]).withUnsafeBufferPointer { slots -> HostOutcome in
            guard let first = slots.baseAddress else { return .trap(.hostError) }
            return withUnsafeMutablePointer(to: &result) {
                function.body(HostCall(memory: memory, arguments: first, results: $0))
            }
        }
        return (outcome, result)
    }

    // MARK: memory

    /// Fresh memory; after a megabyte it starts over.
    func allocate(_ count: Int) -> UInt32 {
        if Int(next) + count > bytes.count { next = 65_536 }
        defer { next = (next + UInt32(count) + 15) & ~15 }
        return next
    }

    func put(_ data: [UInt8]) -> UInt32 {
        let offset = allocate(data.count)
        for (index, byte) in data.enumerated() { bytes[Int(offset) + index] = byte }
        return offset
    }

    func read(_ offset: UInt32, _ count: Int) -> [UInt8] { Array(bytes[Int(offset)..<(Int(offset) + count)]) }

    func text(_ offset: UInt32, _ count: Int) -> String { String(decoding: read(offset, count), as: UTF8.self) }

    func u16(_ offset: UInt32) -> UInt16 { memory.load(UInt16.self, at: offset) ?? .max }
    func u32(_ offset: UInt32) -> UInt32 { memory.load(UInt32.self, at: offset) ?? .max }
    func u64(_ offset: UInt32) -> UInt64 { memory.load(UInt64.self, at: offset) ?? .max }

    func set(_ offset: UInt32, _ value: UInt32) { _ = memory.store(value, at: offset) }
    func set(_ offset: UInt32, _ value: UInt64) { _ = memory.store(value, at: offset) }
    func set(_ offset: UInt32, _ value: UInt16) { _ = memory.store(value, at: offset) }
    func set(_ offset: UInt32, _ value: UInt8) { _ = memory.store(value, at: offset) }

    /// A one-element vector array over fresh memory.
    func vector(_ count: Int) -> (vectors: UInt32, buffer: UInt32) {
        let buffer = allocate(count)
        let vectors = allocate(8)
        set(vectors, buffer)
        set(vectors + 4, UInt32(count))
        return (vectors, buffer)
    }

    func vector(of data: [UInt8]) -> UInt32 {
        let buffer = put(data)
        let vectors = allocate(8)
        set(vectors, buffer)
        set(vectors + 4, UInt32(data.count))
        return vectors
    }

    // MARK: frequent calls

    func write(_ descriptor: UInt32, _ data: [UInt8]) -> Errno? {
        call("fd_write", .i32(descriptor), .i32(vector(of: data)), 1, .i32(allocate(4)))
    }

    /// The bytes, or the errno.
    func read(_ descriptor: UInt32, _ count: Int = 64) -> Result<[UInt8], Errno> {
        let (vectors, buffer) = vector(count)
        let used = allocate(4)
        let error = call("fd_read", .i32(descriptor), .i32(vectors), 1, .i32(used))
        guard error == .success else { return .failure(error ?? .noSystemCall) }
        return .success(read(buffer, Int(u32(used))))
    }

    static let allRights: UInt64 = (1 << 30) - 1

    /// `path_open`; the descriptor, or the errno.
    func open(
        _ path: String, in directory: UInt32 = 3, follow: Bool = false, oflags: UInt32 = 0, rights: UInt64 = 0x2,
        inheriting: UInt64 = FakeGuest.allRights, flags: UInt32 = 0
    ) -> Result<UInt32, Errno> {
        let name = Array(path.utf8)
        let result = allocate(4)
        let error = call(
            "path_open", .i32(directory), .i32(follow ? 1 : 0), .i32(put(name)), .i32(UInt32(name.count)),
            .i32(oflags), .i64(rights), .i64(inheriting), .i32(flags), .i32(result))
        guard error == .success else { return .failure(error ?? .noSystemCall) }
        return .success(u32(result))
    }

    /// A `path_*` function of the shape (fd, path, length).
    func path(_ function: String, _ path: String, in directory: UInt32 = 3) -> Errno? {
        let name = Array(path.utf8)
        return call(function, .i32(directory), .i32(put(name)), .i32(UInt32(name.count)))
    }
}
