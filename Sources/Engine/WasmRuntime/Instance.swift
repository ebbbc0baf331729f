// SPDX-License-Identifier: Apache-2.0
// Swiftlet: instantiation and the public handle of an instance.

import CInterpreter
public import Wasm

/// Why a module could not be instantiated.
public enum InstantiationError: Error, CustomStringConvertible {
    case link(LinkError)
    case resource(ResourceError)
    /// A segment is out of bounds, or the start function trapped.
    case trapped(Trap)
    /// The start function called `proc_exit`.
    case exited(UInt32)

    public var description: String {
        switch self {
        case .link(let error): error.description
        case .resource(let error): error.description
        case .trapped(let trap): trap.description
        case .exited(let status): "start function exited with status \(status)"
        }
    }
}

/// A module instance.
public struct Instance {
    public let store: Store
    let state: InstanceState

    public var module: Module { state.module }
    /// Why the compiled code that was given is not in use.
    public var nativeMismatch: NativeCodeMismatch? { state.nativeMismatch }

    /// Instantiates a validated module (core specification §4.5.4), runs its active segments and its start function.
    ///
    /// The module must have passed validation: code is translated without checking it again.
    ///
    /// - Parameter native: compiled code of the module; where it does not fit, the interpreter runs and
    ///   ``nativeMismatch`` says why.
    public init(
        _ module: Module, in store: Store, imports: Imports = Imports(), native: NativeCode? = nil
    ) throws(InstantiationError) {
        try self.init(allocating: module, in: store, imports: imports, native: native)
        do { try initializeElements() } catch { throw .resource(error) }
        try runActiveSegments()
        if let start = module.start {
            switch store.invoke(Function(store: store, pointer: state.functions[Int(start)]), []) {
            case .returned: break
            case .exited(let status): throw .exited(status)
            case .trapped(let trap): throw .trapped(trap)
            }
        }
    }

    /// Everything that the module defines, before its segments and its start function.
    init(
        allocating module: Module, in store: Store, imports: Imports, native: NativeCode?
    ) throws(InstantiationError) {
        self.store = store
        let types = store.types.numbers(of: module)
        let externs: [Extern]
        do { externs = try imports.resolve(module, types: types, in: store) } catch { throw .link(error) }
        state = InstanceState(module, types: types, in: store)
        do { try allocate(externs) } catch { throw .resource(error) }
        state.fillContext()
        guard let native else { return }
        do throws(NativeCodeMismatch) { try state.use(native) } catch { state.nativeMismatch = error }
    }

    private func allocate(_ externs: [Extern]) throws(ResourceError) {
        let module = state.module
        for extern in externs {
            switch extern {
            case .function(let function): state.functions.append(function.pointer)
            case .table(let table): state.tables.append(Table(store: nil, pointer: table.pointer))
            case .memory(let memory): state.memories.append(Memory(store: nil, pointer: memory.pointer))
            case .global(let global):
                state.globals.append(GlobalVariable(store: nil, type: global.type, pointer: global.pointer))
            case .tag(let tag): state.tags.append(Tag(store: nil, pointer: tag.pointer))
            }
        }
        for type in module.tags {
            state.tags.append(Tag(store: nil, pointer: store.makeTag(type: state.types[Int(type)]).pointer))
        }
        let defined = store.allocate(
            sw_function.self, count: module.functionTypeIndices.count, initial: sw_function())
        state.context.pointee.functions = defined
        for (offset, type) in module.functionTypeIndices.enumerated() {
            let function = defined + offset
            store.initialize(
                function, type: state.types[Int(type)], context: state.context, index: UInt32(state.functions.count))
            state.functions.append(function)
        }
        for (type, initial) in zip(module.tables, module.tableInitializers) {
            let type = TableType(element: state.storeType(type.element), limits: type.limits, address: type.address)
            let value = try initial.map { initial throws(ResourceError) in try evaluate(initial) } ?? 0
            state.tables.append(Table(store: nil, pointer: try store.makeTable(type, initial: value).pointer))
        }
        for type in module.memories {
            state.memories.append(Memory(store: nil, pointer: try store.makeMemory(type).pointer))
        }
        if let memory = state.memory {
            state.context.pointee.memory = memory.pointer
            state.context.pointee.memory_base = memory.pointer.pointee.base
        }
        for global in module.globals {
            let type = GlobalType(value: state.storeType(global.type.value), isMutable: global.type.isMutable)
            let value = try slots(of: global.initial)
            let place = state.layout.global(state.globals.count).place
            let cell = store.makeGlobal(
                type, value: value[0], upperHalf: value.count > 1 ? value[1] : 0, at: state.words(at: place)
            ).pointer
            state.globals.append(GlobalVariable(store: nil, type: type, pointer: cell))
        }
    }

    private func evaluate(_ expression: ConstantExpression) throws(ResourceError) -> UInt64 {
        // The common item of an element segment, without the detour.
        if case .referenceFunction(let index) = expression { return state.functionAddress(index) }
        return try slots(of: expression)[0]
    }

    private func slots(of expression: ConstantExpression) throws(ResourceError) -> [UInt64] {
        try expression.evaluate(
            null: 0, global: { state.globals[Int($0)].slots }, function: { state.functionAddress($0) },
            reference: { opcode, type, count, stack throws(ResourceError) in
                try state.makeConstant(opcode, type: type, count: count, &stack)
            })
    }

    private func initializeElements() throws(ResourceError) {
        for (index, segment) in state.module.elements.enumerated() {
            state.elements.append([])
            state.elements[index].reserveCapacity(segment.items.count)
            // One by one, because the collector finds references in the segment.
            for item in segment.items { state.elements[index].append(try evaluate(item)) }
        }
    }

    private func offset(_ expression: ConstantExpression) throws(InstantiationError) -> UInt64 {
        do { return try evaluate(expression) } catch { throw .resource(error) }
    }

    private func runActiveSegments() throws(InstantiationError) {
        for (index, segment) in state.module.elements.enumerated() {
            switch segment.mode {
            case .passive: continue
            case .declarative: break
            case .active(let table, let offset):
                let isInside = state.tableInit(
                    table, segment: index, to: try self.offset(offset), from: 0,
                    count: UInt64(state.elements[index].count))
                if !isInside { throw .trapped(Trap(.outOfBoundsTableAccess)) }
            }
            state.elements[index] = []
        }
        for (index, segment) in state.module.data.enumerated() {
            guard case .active(let memory, let offset) = segment.mode else { continue }
            if let reason = state.memoryInit(
                memory, segment: index, to: try self.offset(offset), from: 0, count: UInt64(segment.bytes.count))
            {
                throw .trapped(Trap(reason))
            }
            state.isDataDropped[index] = true
        }
    }

    // MARK: Exports

    /// The exported value of that name.
    public func export(_ name: String) -> Extern? {
        // Names are equal byte by byte; Swift's == on strings knows equivalent spellings.
        guard let export = state.module.exports.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
            return nil
        }
        switch export.description {
        case .function(let index): return .function(Function(store: store, pointer: state.functions[Int(index)]))
        case .table(let index): return .table(Table(store: store, pointer: state.tables[Int(index)].pointer))
        case .memory(let index): return .memory(Memory(store: store, pointer: state.memories[Int(index)].pointer))
        case .global(let index):
            let global = state.globals[Int(index)]
            return .global(GlobalVariable(store: store, type: global.type, pointer: global.pointer))
        case .tag(let index): return .tag(Tag(store: store, pointer: state.tags[Int(index)].pointer))
        }
    }

    public func exportedFunction(_ name: String) -> Function? {
        if case .function(let function)? = export(name) { function } else { nil }
    }

    /// Memory 0, exported or not.
    public var memory: Memory? { state.memory.map { Memory(store: store, pointer: $0.pointer) } }

    /// Calls an exported function; nil when there is none of that name. See ``Store/invoke(_:_:)``.
    public func invoke(_ name: String, _ arguments: [UInt64] = []) -> Invocation? {
        exportedFunction(name).map { store.invoke($0, arguments) }
    }
}
