// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the store: everything that instances share.

public import Wasm
import CInterpreter
import Glibc

/// What a guest may use at most. Reaching a limit is a defined outcome for the guest (a failing grow, a trap).
public struct StoreLimits: Sendable {
    /// Bytes of one linear memory; `memory.grow` beyond it returns -1.
    public var memoryBytes: UInt64 = 4 << 30
    /// Memories of the store, each of which takes address space for all it may grow to.
    public var memories = 1_000
    /// Elements of one table; `table.grow` beyond it returns -1.
    public var tableElements: UInt32 = 10_000_000
    /// Bytes of the value stack, thus the depth of recursion: a call needs at least 16 bytes beside its values.
    /// Address space only; what is never touched costs nothing.
    public var valueStackBytes: Int = 8 << 20
    /// How deep calls may nest if their frames take ``bytesPerCall`` on average; it sets ``valueStackBytes``.
    ///
    /// Nothing counts calls: the check of the stack's end, which every call makes anyway, is the limit.
    public var callDepth: Int {
        get { valueStackBytes / Self.bytesPerCall }
        set { valueStackBytes = newValue * Self.bytesPerCall }
    }
    /// Room for twenty values.
    public static let bytesPerCall = 160
    /// Bytes of the stack of compiled code; address space, like ``valueStackBytes``.
    public var nativeStackBytes: Int = 8 << 20
    /// Whether memories get the address space that compiled code needs (8 GiB each, none of it used).
    public var allowsNativeCode = false
    /// How often host functions and guest may call each other nested; each level takes native stack.
    public var hostNesting: Int = 64
    /// How many instructions guests may execute before they trap with ``Wasm/TrapReason/fuelExhausted``; nil: no limit,
    /// and nothing is counted. It is ``Store/fuel`` at first.
    ///
    /// The same guest with the same input uses up the same fuel, on every machine. Each instruction costs 1, except
    /// `nop`, `drop`, `block`, `loop`, `else`, `end`, `return` and `unreachable`, which cost nothing. A run of
    /// instructions is paid for when it begins: it ends behind a branch and where constructs begin or end. What a host
    /// function does, and how many bytes a bulk instruction touches, is not counted.
    public var fuel: UInt64?

    public init() {}
}

/// Instances, functions, memories, tables and globals that may refer to each other (core specification §4.2.3), and
/// the one guest thread that runs them.
///
/// Everything lives until the store goes: objects are plain memory addressed by handlers, without reference counts.
/// Not thread-safe, except for ``Interrupter``.
public final class Store {
    public let limits: StoreLimits
    let machine: UnsafeMutablePointer<sw_machine>
    private let stackBase: UnsafeMutableRawPointer
    private let stackByteCount: Int
    /// The memory of instances that have none.
    let emptyMemory: UnsafeMutablePointer<sw_memory>
    var types = TypeRegistry()
    var hostFunctions: [HostFunction] = []
    var instances: [InstanceState] = []
    var codeArena = CodeArena()
    /// Who catches what, by `sw_function.catch_table`; the first is nobody's.
    var catchTables = [CatchTable()]
    var nesting = 0
    /// How often guests have called functions of the host.
    var hostCallCount = 0
    /// Compiled code that is in use, and an instance of its module.
    private(set) var nativeCodes: [(code: NativeCode, instance: InstanceState)] = []
    private var allocations: [UnsafeMutableRawPointer] = []
    private(set) var memories: [UnsafeMutablePointer<sw_memory>] = []
    private var tables: [UnsafeMutablePointer<sw_table>] = []
    /// Objects, once there are any; see Heap/Store+Heap.swift.
    var heapIfAny: Heap?
    var reportedHeapBytes: UInt64 = 0
    /// Globals and tables that may refer to objects, with `TypeDescriptor.trace(_:)` of their type.
    private(set) var tracedGlobals: [(pointer: UnsafeMutablePointer<UInt64>, trace: Int)] = []
    private(set) var tracedTables: [(pointer: UnsafeMutablePointer<sw_table>, trace: Int)] = []
    var stackStart: UnsafeMutablePointer<UInt64> { stackBase.assumingMemoryBound(to: UInt64.self) }

    /// LIMIT: beyond the limit a frame header and the saved part of a cross-instance call may be written before the
    /// callee checks; 65,535 slots and a little.
    private static let redZoneBytes = (65_536 + 64) * 8

    /// - Throws: ``ResourceError`` when the kernel gives no address space for the value stack.
    public init(limits: StoreLimits = StoreLimits()) throws(ResourceError) {
        self.limits = limits
        stackByteCount = max(limits.valueStackBytes, 4096) + Self.redZoneBytes
        stackBase = try Mapping.map(stackByteCount, protection: PROT_READ | PROT_WRITE, what: "the value stack")
        machine = UnsafeMutablePointer<sw_machine>.allocate(capacity: 1)
        machine.initialize(to: sw_machine())
        let heap = UnsafeMutablePointer<sw_heap>.allocate(capacity: 1)
        heap.initialize(to: sw_heap())
        Heap.fillSizeClasses(heap)
        machine.pointee.heap = heap
        machine.pointee.fuel = limits.fuel ?? 0
        emptyMemory = UnsafeMutablePointer<sw_memory>.allocate(capacity: 1)
        emptyMemory.initialize(to: sw_memory())
        machine.pointee.stack_top = stackBase.assumingMemoryBound(to: UInt64.self)
        machine.pointee.stack_limit = stackLimit
        Self.setHandler(Int(SW_exit), at: machine, offset: MemoryLayout<sw_machine>.offset(of: \.exit_code))
        Self.setHandler(
            Int(SW_cross_return), at: machine, offset: MemoryLayout<sw_machine>.offset(of: \.cross_return_code))
    }

    deinit {
        for memory in memories where memory.pointee.reserved_byte_count > 0 {
            munmap(memory.pointee.base, Int(memory.pointee.reserved_byte_count))
        }
        for table in tables { free(table.pointee.elements) }
        for allocation in allocations { allocation.deallocate() }
        munmap(stackBase, stackByteCount)
        sw_native_release(machine)
        emptyMemory.deallocate()
        machine.pointee.heap.deallocate()
        machine.deallocate()
    }

    private static func setHandler(_ handler: Int, at object: UnsafeMutableRawPointer, offset: Int?) {
        guard let offset else { return }
        object.storeBytes(of: sw_handler_address(Int32(handler)), toByteOffset: offset, as: UInt64.self)
    }

    /// The end of the usable value stack.
    var stackLimit: UnsafeMutablePointer<UInt64> {
        (stackBase + (stackByteCount - Self.redZoneBytes)).assumingMemoryBound(to: UInt64.self)
    }

    func add(_ code: NativeCode, for instance: InstanceState) { nativeCodes.append((code, instance)) }

    // MARK: Allocation

    /// Memory that lives as long as the store.
    func allocate<T: BitwiseCopyable>(_ type: T.Type, count: Int, initial: T) -> UnsafeMutablePointer<T> {
        let pointer = UnsafeMutablePointer<T>.allocate(capacity: max(count, 1))
        pointer.initialize(repeating: initial, count: count)
        allocations.append(UnsafeMutableRawPointer(pointer))
        return pointer
    }

    func initialize(
        _ function: UnsafeMutablePointer<sw_function>, type number: UInt32,
        context: UnsafeMutablePointer<sw_context>?, index: UInt32
    ) {
        let type = types.functionType(number)
        function.initialize(to: sw_function())
        function.pointee.context = context
        function.pointee.type = number
        function.pointee.definition = UnsafePointer(types.pointer(number))
        function.pointee.index = index
        function.pointee.parameter_slots = UInt16(type.parameters.slotCount)
        function.pointee.result_slots = UInt16(type.results.slotCount)
        function.pointee.header = UInt16(type.headerSlots)
        guard let entry = MemoryLayout<sw_function>.offset(of: \.entry) else { return }
        let raw = UnsafeMutableRawPointer(function)
        Self.setHandler(
            context == nil ? Int(SW_host_entry) : Int(SW_translate_entry), at: raw, offset: entry)
        function.pointee.code = UnsafePointer((raw + entry).assumingMemoryBound(to: UInt8.self))
    }

    /// A function of the host as an extern, for ``Imports`` and tables.
    public func makeFunction(_ function: HostFunction) -> Function {
        let pointer = allocate(sw_function.self, count: 1, initial: sw_function())
        hostFunctions.append(function)
        let number = types.number(of: function.type)
        initialize(pointer, type: number, context: nil, index: UInt32(hostFunctions.count - 1))
        return Function(store: self, pointer: pointer)
    }

    /// - Parameter upperHalf: the upper 64 bits of a v128.
    public func makeGlobal(_ type: GlobalType, value: UInt64, upperHalf: UInt64 = 0) -> GlobalVariable {
        makeGlobal(
            type, value: value, upperHalf: upperHalf,
            at: allocate(UInt64.self, count: type.value.slotCount, initial: 0))
    }

    /// In memory that lives as long as the store.
    func makeGlobal(
        _ type: GlobalType, value: UInt64, upperHalf: UInt64, at pointer: UnsafeMutablePointer<UInt64>
    ) -> GlobalVariable {
        pointer.pointee = value
        if type.value == .v128 { pointer[1] = upperHalf }
        let trace = TypeDescriptor.trace(type.value)
        if trace != Int(sw_traces_nothing) { tracedGlobals.append((pointer, trace)) }
        return GlobalVariable(store: self, type: type, pointer: pointer)
    }

    /// - Throws: ``ResourceError`` when the minimum is above the store's limit.
    public func makeMemory(_ type: MemoryType) throws(ResourceError) -> Memory {
        // LIMIT: 2^47 bytes, the address space of a process.
        let most: UInt64 = type.address == .i32 ? 65_536 : 1 << 31
        let pageLimit = min(type.limits.maximum ?? most, most, limits.memoryBytes >> 16)
        guard memories.count < limits.memories else {
            throw ResourceError("more memories than the limit of \(limits.memories)")
        }
        guard type.limits.minimum <= pageLimit else {
            throw ResourceError(
                "memory of \(type.limits.minimum) pages (64 KiB each) is larger than the limit of \(pageLimit) pages")
        }
        let pointer = UnsafeMutablePointer<sw_memory>.allocate(capacity: 1)
        pointer.initialize(to: sw_memory())
        pointer.pointee.page_limit = pageLimit
        pointer.pointee.page_maximum = type.limits.maximum ?? .max
        pointer.pointee.is_64 = type.address == .i64
        pointer.pointee.is_shared = type.isShared
        var reserved = Int(pageLimit) << 16
        if limits.allowsNativeCode, type.address == .i32 { reserved = max(reserved, Int(NativeCode.memoryReservation)) }
        if reserved > 0 {
            do {
                pointer.pointee.base = try Mapping.map(reserved, protection: PROT_NONE, what: "a linear memory")
                    .assumingMemoryBound(to: UInt8.self)
            } catch {
                pointer.deallocate()
                throw error
            }
            pointer.pointee.reserved_byte_count = UInt64(reserved)
        }
        memories.append(pointer)
        allocations.append(UnsafeMutableRawPointer(pointer))
        let memory = Memory(store: self, pointer: pointer)
        if type.limits.minimum > 0, memory.grow(byPages: type.limits.minimum) == nil {
            throw ResourceError("no memory for \(type.limits.minimum) pages (64 KiB each)")
        }
        return memory
    }

    /// - Throws: ``ResourceError`` when the minimum is above the store's limit.
    public func makeTable(_ type: TableType, initial: UInt64 = 0) throws(ResourceError) -> Table {
        let limit = min(type.limits.maximum ?? .max, UInt64(limits.tableElements))
        guard type.limits.minimum <= limit else {
            throw ResourceError("table of \(type.limits.minimum) elements is larger than the limit of \(limit)")
        }
        let pointer = allocate(sw_table.self, count: 1, initial: sw_table())
        pointer.pointee.limit = UInt32(limit)
        pointer.pointee.maximum = type.limits.maximum ?? .max
        pointer.pointee.element_type = type.element.rawValue
        pointer.pointee.is_64 = type.address == .i64
        tables.append(pointer)
        let trace = TypeDescriptor.trace(type.element)
        if trace != Int(sw_traces_nothing) { tracedTables.append((pointer, trace)) }
        let table = Table(store: self, pointer: pointer)
        if type.limits.minimum > 0, table.grow(by: UInt32(type.limits.minimum), initial: initial) == nil {
            throw ResourceError("no memory for a table of \(type.limits.minimum) elements")
        }
        return table
    }

    /// What is left of ``StoreLimits/fuel``. Setting it has no effect in a store without that limit.
    public var fuel: UInt64? {
        get { limits.fuel == nil ? nil : machine.pointee.fuel }
        set { machine.pointee.fuel = newValue ?? 0 }
    }

    /// Stops the running guest from another thread or a signal handler.
    public var interrupter: Interrupter { Interrupter(machine: machine) }

    /// Lets guests run again after an interrupt.
    public func clearInterrupt() {
        machine.pointee.is_interrupted = 0
        machine.pointee.stack_limit = stackLimit
    }
}

/// A request to stop, safe to make from a signal handler or another thread while the store lives.
///
/// The guest traps with `interrupted` at its next call or loop iteration, and so does every later run until
/// ``Store/clearInterrupt()``. A guest that waits inside a host function is the host's business.
public struct Interrupter: @unchecked Sendable {
    // SAFETY: two volatile stores; the reader looks at the limit first, then at the flag.
    let machine: UnsafeMutablePointer<sw_machine>

    public func requestInterrupt() { sw_interrupt(machine) }
}

/// The kernel or a limit refused a resource.
public struct ResourceError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

enum Mapping {
    /// Private anonymous memory that is not accounted before it is used.
    static func map(_ byteCount: Int, protection: Int32, what: String) throws(ResourceError) -> UnsafeMutableRawPointer
    {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let base = mmap(nil, byteCount, protection, flags, -1, 0), base != MAP_FAILED else {
            throw ResourceError("no address space for \(what) of \(byteCount) bytes (errno \(errno))")
        }
        return base
    }
}
