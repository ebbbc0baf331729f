// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the decoded form of a module, shared by validator, interpreter and compiler.

/// A decoded module (core specification §2.5). It owns the module's bytes; function bodies and data segments are
/// ranges into them, so a 20 MB module is held once and code that is never called costs nothing.
public struct Module: Sendable {
    public var bytes: ModuleBytes
    public var types: [DefinedType] = []
    public var imports: [Import] = []
    /// Type index of each function *defined* in the module (imported functions come first in the index space).
    public var functionTypeIndices: [UInt32] = []
    public var tables: [TableType] = []
    /// The value that each defined table is filled with; nil = null.
    public var tableInitializers: [ConstantExpression?] = []
    public var memories: [MemoryType] = []
    /// Type index of each tag defined in the module.
    public var tags: [UInt32] = []
    public var globals: [Global] = []
    public var exports: [Export] = []
    public var start: UInt32?
    public var elements: [ElementSegment] = []
    public var dataCount: UInt32?
    public var data: [DataSegment] = []
    /// Bodies of the defined functions, in the order of `functionTypeIndices`.
    public var code: [FunctionBody] = []
    public var customSections: [CustomSection] = []
    /// Every section in file order, for reports and for the place in error messages.
    public var sections: [Section] = []

    public init(bytes: ModuleBytes) { self.bytes = bytes }
}

/// A name compared byte by byte, as the specification wants it (§2.2.4).
///
/// Swift's `String` calls canonically equivalent strings equal ("Å" in one or in two code points), which would make one
/// of two distinct exports unreachable. Use this as the key wherever names of modules, imports or exports are looked up.
public struct ExactName: Sendable, Hashable {
    public let string: String

    public init(_ string: String) { self.string = string }

    public static func == (left: ExactName, right: ExactName) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var copy = string
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension Module {
    /// The export of exactly this name.
    public func export(named name: String) -> Export? {
        let key = ExactName(name)
        return exports.first { ExactName($0.name) == key }
    }

    public var importedFunctionCount: Int {
        imports.reduce(0) { if case .function = $1.description { $0 + 1 } else { $0 } }
    }
}

/// Where a piece of the module stands in its binary, in bytes from the module's start.
public typealias ByteRange = Range<Int>

/// A section's identifier (core specification §5.5.2) and the place of its contents.
public struct Section: Sendable {
    public enum Identifier: UInt8, Sendable {
        case custom, type, `import`, function, table, memory, global, export, start, element, code, data, dataCount
        case tag

        /// The name for people. Spelled out, because interpolating a case asks the runtime for its reflection data:
        /// half a millisecond of each start.
        public var name: String {
            switch self {
            case .custom: "custom"
            case .type: "type"
            case .import: "import"
            case .function: "function"
            case .table: "table"
            case .memory: "memory"
            case .global: "global"
            case .export: "export"
            case .start: "start"
            case .element: "element"
            case .code: "code"
            case .data: "data"
            case .dataCount: "data count"
            case .tag: "tag"
            }
        }
    }

    public var identifier: Identifier
    public var payload: ByteRange

    public init(identifier: Identifier, payload: ByteRange) {
        self.identifier = identifier
        self.payload = payload
    }
}

public struct Import: Sendable {
    public enum Description: Sendable, Hashable {
        case function(typeIndex: UInt32)
        case table(TableType)
        case memory(MemoryType)
        case global(GlobalType)
        case tag(typeIndex: UInt32)
    }

    public var module: String
    public var name: String
    public var description: Description

    public init(module: String, name: String, description: Description) {
        self.module = module
        self.name = name
        self.description = description
    }
}

public struct Export: Sendable {
    public enum Description: Sendable, Hashable {
        case function(UInt32)
        case table(UInt32)
        case memory(UInt32)
        case global(UInt32)
        case tag(UInt32)
    }

    public var name: String
    public var description: Description

    public init(name: String, description: Description) {
        self.name = name
        self.description = description
    }
}

/// A constant expression (core specification §3.3.10): one constant in WebAssembly 2.0, a little arithmetic with the
/// extended-const feature.
public enum ConstantExpression: Sendable, Hashable {
    /// The bit pattern, zero-extended to 64 bits.
    case value(ValueType, bits: UInt64)
    case vector(V128)
    case globalGet(UInt32)
    case referenceNull(ValueType)
    case referenceFunction(UInt32)
    /// Anything but a single constant, in postfix order. Valid ones leave exactly one value.
    case extended([ConstantOperation])
}

/// One step of an extended constant expression, executed on a stack.
public enum ConstantOperation: Sendable, Hashable {
    case value(ValueType, bits: UInt64)
    case vector(V128)
    case globalGet(UInt32)
    case referenceNull(ValueType)
    case referenceFunction(UInt32)
    /// `i32.add`, `i32.sub`, `i32.mul`, `i64.add`, `i64.sub` or `i64.mul`.
    case arithmetic(Opcode)
    /// An instruction that makes or converts a reference: `ref.i31`, `struct.new`, `array.new_fixed`, …; the type index
    /// and the number of elements where it has them.
    case reference(Opcode, type: UInt32, count: UInt32)
}

extension ConstantExpression {
    /// The expression as steps, whatever its form.
    public var operations: [ConstantOperation] {
        switch self {
        case .value(let type, let bits): [.value(type, bits: bits)]
        case .vector(let vector): [.vector(vector)]
        case .globalGet(let index): [.globalGet(index)]
        case .referenceNull(let type): [.referenceNull(type)]
        case .referenceFunction(let index): [.referenceFunction(index)]
        case .extended(let operations): operations
        }
    }

    /// The value of a validated expression in 64-bit slots: one (i32 and f32 in the low half, the upper half zero), or two
    /// for a v128, the low half first.
    ///
    /// `global` gives the slots of an earlier global, `function` the reference of a function; `null` stands for null.
    /// `reference` executes an instruction that makes a reference: it takes its operands off the stack and puts the
    /// result there.
    public func evaluate<Failure: Error>(
        null: UInt64, global: (UInt32) -> [UInt64], function: (UInt32) -> UInt64,
        reference: (Opcode, UInt32, UInt32, inout [UInt64]) throws(Failure) -> Void
    ) throws(Failure) -> [UInt64] {
        var stack: [UInt64] = []
        for operation in operations {
            switch operation {
            case .value(_, let bits): stack.append(bits)
            case .vector(let vector): stack += [vector.low, vector.high]
            case .globalGet(let index): stack += global(index)
            case .referenceNull: stack.append(null)
            case .referenceFunction(let index): stack.append(function(index))
            case .arithmetic(let opcode):
                guard let right = stack.popLast(), let left = stack.popLast() else { return [null] }
                stack.append(Self.arithmetic(opcode, left, right))
            case .reference(let opcode, let type, let count): try reference(opcode, type, count, &stack)
            }
        }
        return stack
    }

    private static func arithmetic(_ opcode: Opcode, _ left: UInt64, _ right: UInt64) -> UInt64 {
        switch opcode {
        case .i32Add: UInt64(UInt32(truncatingIfNeeded: left &+ right))
        case .i32Sub: UInt64(UInt32(truncatingIfNeeded: left &- right))
        case .i32Mul: UInt64(UInt32(truncatingIfNeeded: left &* right))
        case .i64Sub: left &- right
        case .i64Mul: left &* right
        default: left &+ right
        }
    }
}

public struct Global: Sendable {
    public var type: GlobalType
    public var initial: ConstantExpression

    public init(type: GlobalType, initial: ConstantExpression) {
        self.type = type
        self.initial = initial
    }
}

public struct ElementSegment: Sendable {
    public enum Mode: Sendable {
        case passive
        case declarative
        case active(table: UInt32, offset: ConstantExpression)
    }

    public var type: ValueType
    public var mode: Mode
    public var items: [ConstantExpression]

    public init(type: ValueType, mode: Mode, items: [ConstantExpression]) {
        self.type = type
        self.mode = mode
        self.items = items
    }
}

public struct DataSegment: Sendable {
    public enum Mode: Sendable {
        case passive
        case active(memory: UInt32, offset: ConstantExpression)
    }

    public var mode: Mode
    public var bytes: ByteRange

    public init(mode: Mode, bytes: ByteRange) {
        self.mode = mode
        self.bytes = bytes
    }
}

public struct FunctionBody: Sendable {
    /// Locals beyond the parameters, run-length encoded as in the binary.
    public var locals: [(count: UInt32, type: ValueType)]
    /// The instructions with the final `end`, without the locals.
    public var code: ByteRange

    public init(locals: [(count: UInt32, type: ValueType)], code: ByteRange) {
        self.locals = locals
        self.code = code
    }
}

public struct CustomSection: Sendable {
    public var name: String
    public var payload: ByteRange

    public init(name: String, payload: ByteRange) {
        self.name = name
        self.payload = payload
    }
}

/// The immutable bytes of a module: an array, or a mapped file whose pages are shared by all replicas.
///
/// The memory stays valid as long as any copy of the value lives.
public struct ModuleBytes: @unchecked Sendable {
    // SAFETY: the storage is never written after init.
    private final class Storage {
        let buffer: UnsafeRawBufferPointer
        let release: (UnsafeRawBufferPointer) -> Void

        init(_ buffer: UnsafeRawBufferPointer, release: @escaping (UnsafeRawBufferPointer) -> Void) {
            self.buffer = buffer
            self.release = release
        }

        deinit { release(buffer) }
    }

    private let storage: Storage

    /// Copies `bytes`.
    public init(_ bytes: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        copy.copyBytes(from: bytes)
        storage = Storage(UnsafeRawBufferPointer(copy)) { $0.deallocate() }
    }

    /// Takes over memory that `release` gives back, a mapped file for example.
    public init(taking buffer: UnsafeRawBufferPointer, release: @escaping (UnsafeRawBufferPointer) -> Void) {
        storage = Storage(buffer, release: release)
    }

    public var count: Int { storage.buffer.count }

    /// Valid while this value (or a copy) lives.
    public var buffer: UnsafeRawBufferPointer { storage.buffer }
}
