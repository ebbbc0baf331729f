// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the contract between the engine and the functions it lends to a guest.

/// The guest's linear memory as a host function sees it, valid during one host call only (a guest may grow it after).
///
/// Every access checks bounds; nothing in WASI touches guest memory in another way.
public struct GuestMemory {
    public let base: UnsafeMutableRawPointer
    /// Current size in bytes.
    public let byteCount: Int

    public init(base: UnsafeMutableRawPointer, byteCount: Int) {
        self.base = base
        self.byteCount = byteCount
    }

    /// The bytes `offset ..< offset + count`, or nil when they are not all inside the memory.
    @inlinable
    public func slice(_ offset: UInt32, count: UInt64) -> UnsafeMutableRawBufferPointer? {
        let end = UInt64(offset) &+ count
        guard count <= UInt64(byteCount), end <= UInt64(byteCount) else { return nil }
        return UnsafeMutableRawBufferPointer(start: base + Int(offset), count: Int(count))
    }

    /// Reads a little-endian integer, or nil when it is out of bounds.
    @inlinable
    public func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: UInt32) -> T? {
        guard let bytes = slice(offset, count: UInt64(MemoryLayout<T>.size)) else { return nil }
        return T(littleEndian: bytes.loadUnaligned(as: T.self))
    }

    /// Writes a little-endian integer; false when it is out of bounds (nothing is written then).
    @inlinable
    public func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: UInt32) -> Bool {
        guard let bytes = slice(offset, count: UInt64(MemoryLayout<T>.size)) else { return false }
        bytes.storeBytes(of: value.littleEndian, as: T.self)
        return true
    }
}

/// What a host function makes of a call.
public enum HostOutcome: Sendable, Equatable {
    /// The results are written; the guest goes on.
    case returned
    /// The guest is ended with this exit status (`proc_exit`).
    case exit(UInt32)
    /// The guest traps.
    case trap(TrapReason)
    /// The guest goes on with this exception, a value of type `exnref`: caught by who called, or ending the run.
    case exception(UInt64)
}

/// One call from the guest to the host: raw argument slots in, raw result slots out.
///
/// A slot is 64 bits wide; i32 and f32 use the low half, the upper half is zero. A v128 takes two slots, the low half
/// first, so the slot of a parameter behind it is one more than its number.
public struct HostCall {
    public let memory: GuestMemory?
    public let arguments: UnsafePointer<UInt64>
    public let results: UnsafeMutablePointer<UInt64>

    public init(memory: GuestMemory?, arguments: UnsafePointer<UInt64>, results: UnsafeMutablePointer<UInt64>) {
        self.memory = memory
        self.arguments = arguments
        self.results = results
    }

    @inlinable public func i32(_ index: Int) -> UInt32 { UInt32(truncatingIfNeeded: arguments[index]) }
    @inlinable public func i64(_ index: Int) -> UInt64 { arguments[index] }
}

/// A function of the host with its type. The body runs on the guest's thread.
public struct HostFunction {
    public var type: FunctionType
    public var body: (HostCall) -> HostOutcome

    public init(type: FunctionType, body: @escaping (HostCall) -> HostOutcome) {
        self.type = type
        self.body = body
    }
}

/// Something that serves imports: WASI preview 1, the WasmEdge sockets, a test's stubs.
public protocol HostModule {
    /// The function that serves `module.name` when the guest declares it with `type`, or nil.
    ///
    /// The declared type is part of the question because `sock_accept` exists in the wild with two and with three
    /// parameters under one name.
    func function(module: String, name: String, type: FunctionType) -> HostFunction?

    /// All names served under `module`, for "nearest known name" in errors and for `swiftlet inspect`.
    func functionNames(inModule module: String) -> [String]

    /// The import module names served.
    var moduleNames: [String] { get }
}

/// Why a guest was stopped by the engine (core specification, appendix "Implementation limitations" and each
/// instruction's execution rule). The raw values are part of the launch protocol.
public enum TrapReason: UInt8, Sendable, Equatable, CaseIterable {
    case unreachable = 1
    case integerDivideByZero = 2
    case integerOverflow = 3
    case invalidConversionToInteger = 4
    case outOfBoundsMemoryAccess = 5
    case outOfBoundsTableAccess = 6
    case undefinedElement = 7
    case uninitializedElement = 8
    case indirectCallTypeMismatch = 9
    case callStackExhausted = 10
    case interrupted = 11
    case hostError = 12
    case uncaughtException = 13
    case nullExceptionReference = 14
    case fuelExhausted = 15
    case nullReference = 20
    case nullFunctionReference = 21
    case nullStructureReference = 22
    case nullArrayReference = 23
    case nullI31Reference = 24
    case castFailure = 25
    case outOfBoundsArrayAccess = 26
    case outOfMemory = 27
    case unalignedAtomic = 30
    case expectedSharedMemory = 31
}

extension TrapReason: CustomStringConvertible {
    /// The message that the specification's test suite expects.
    public var description: String {
        switch self {
        case .unreachable: "unreachable"
        case .integerDivideByZero: "integer divide by zero"
        case .integerOverflow: "integer overflow"
        case .invalidConversionToInteger: "invalid conversion to integer"
        case .outOfBoundsMemoryAccess: "out of bounds memory access"
        case .outOfBoundsTableAccess: "out of bounds table access"
        case .undefinedElement: "undefined element"
        case .uninitializedElement: "uninitialized element"
        case .indirectCallTypeMismatch: "indirect call type mismatch"
        case .callStackExhausted: "call stack exhausted"
        case .interrupted: "interrupted"
        case .hostError: "host error"
        case .uncaughtException: "uncaught exception"
        case .nullExceptionReference: "null exception reference"
        case .fuelExhausted: "all fuel consumed"
        case .nullReference: "null reference"
        case .nullFunctionReference: "null function reference"
        case .nullStructureReference: "null structure reference"
        case .nullArrayReference: "null array reference"
        case .nullI31Reference: "null i31 reference"
        case .castFailure: "cast failure"
        case .outOfBoundsArrayAccess: "out of bounds array access"
        case .outOfMemory: "out of memory"
        case .unalignedAtomic: "unaligned atomic"
        case .expectedSharedMemory: "expected shared memory"
        }
    }
}
