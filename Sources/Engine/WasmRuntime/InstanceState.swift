// SPDX-License-Identifier: Apache-2.0
// Swiftlet: an instance as the store keeps it.

import CInterpreter
import Wasm

/// The runtime data of one module instance (core specification §4.2.5). Owned by the store; ``Instance`` is the handle.
final class InstanceState {
    unowned let store: Store
    let module: Module
    let context: UnsafeMutablePointer<sw_context>
    /// What stands behind the context.
    let layout: ContextLayout
    var importedFunctionCount: Int { layout.importedFunctionCount }
    /// The store's number for each type of the module.
    let types: [UInt32]
    /// Functions of the index space.
    var functions: [UnsafeMutablePointer<sw_function>] = []
    // Handles without a reference to the store, which would be a cycle. What instructions use is not checked for
    // exclusive access, which no code here can violate.
    @exclusivity(unchecked) var tables: [Table] = []
    @exclusivity(unchecked) var memories: [Memory] = []
    /// Memory 0.
    var memory: Memory? { memories.first }
    var globals: [GlobalVariable] = []
    var tags: [Tag] = []
    /// Contents of the element segments; dropped ones are empty.
    @exclusivity(unchecked) var elements: [[UInt64]] = []
    @exclusivity(unchecked) var isDataDropped: [Bool]
    var nativeMismatch: NativeCodeMismatch?
    /// What ``Instance/reset()`` goes back to.
    var baseline: InstanceBaseline?

    init(_ module: Module, types: [UInt32], in store: Store) {
        self.store = store
        self.types = types
        self.module = module
        isDataDropped = Array(repeating: false, count: module.data.count)
        layout = ContextLayout(module)
        let words = store.allocate(UInt64.self, count: layout.byteCount / 8, initial: 0)
        context = UnsafeMutableRawPointer(words).assumingMemoryBound(to: sw_context.self)
        context.pointee.machine = store.machine
        context.pointee.memory = store.emptyMemory
        context.pointee.calls = sw_native_call_table()
        context.pointee.owner = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        store.instances.append(self)
    }

    /// The instance behind a context that a handler passes.
    static func of(_ context: UnsafeMutablePointer<sw_context>) -> InstanceState {
        // SAFETY: `owner` is set in init and the store keeps the instance.
        Unmanaged<InstanceState>.fromOpaque(context.pointee.owner).takeUnretainedValue()
    }

    /// The words at a place of ``layout``.
    func words(at place: Int) -> UnsafeMutablePointer<UInt64> {
        (UnsafeMutableRawPointer(context) + place).assumingMemoryBound(to: UInt64.self)
    }

    /// Fills the words that point to functions, memories, tables, globals of others, tags and types.
    func fillContext() {
        func fill(_ place: Int, _ count: Int, _ address: (Int) -> UInt64) {
            let words = words(at: place)
            for index in 0..<count { words[index] = address(index) }
        }
        fill(layout.importedFunctions, importedFunctionCount) { functionAddress(UInt32($0)) }
        fill(layout.memories, memories.count) { memoryAddress(UInt32($0)) }
        fill(layout.tables, tables.count) { tableAddress(UInt32($0)) }
        fill(layout.tags, tags.count) { tagAddress(UInt32($0)) }
        fill(layout.types, types.count) { descriptorAddress(UInt32($0)) }
        for index in 0..<layout.importedGlobalCount {
            words(at: layout.global(index).place).pointee = globalAddress(UInt32(index))
        }
    }

    // MARK: What translation asks

    func functionType(_ index: UInt32) -> FunctionType { store.types.functionType(functions[Int(index)].pointee.type) }
    func functionAddress(_ index: UInt32) -> UInt64 { UInt64(UInt(bitPattern: functions[Int(index)])) }
    func globalType(_ index: UInt32) -> ValueType { globals[Int(index)].type.value }
    func globalAddress(_ index: UInt32) -> UInt64 { UInt64(UInt(bitPattern: globals[Int(index)].pointer)) }
    func tableType(_ index: UInt32) -> ValueType { tables[Int(index)].type.element }
    func tableAddress(_ index: UInt32) -> UInt64 { UInt64(UInt(bitPattern: tables[Int(index)].pointer)) }
    func tagType(_ index: UInt32) -> FunctionType {
        store.types.functionType(tags[Int(index)].pointer.pointee.type)
    }
    func tagAddress(_ index: UInt32) -> UInt64 { tags[Int(index)].address }
    func memoryAddress(_ index: UInt32) -> UInt64 { UInt64(UInt(bitPattern: memories[Int(index)].pointer)) }
    func addressType(ofMemory index: UInt32) -> AddressType { memories[Int(index)].pointer.pointee.is_64 ? .i64 : .i32 }
    func addressType(ofTable index: UInt32) -> AddressType { tables[Int(index)].pointer.pointee.is_64 ? .i64 : .i32 }
    func typeNumber(_ index: UInt32) -> UInt32 { types[Int(index)] }
    func descriptorAddress(_ index: UInt32) -> UInt64 {
        UInt64(UInt(bitPattern: store.types.pointer(types[Int(index)])))
    }
    /// A type of the module with the store's type numbers.
    func storeType(_ type: ValueType) -> ValueType { TypeRegistry.renumber(type, types) }

    /// Whether a call has to change the instance; the host runs in the caller's.
    func isCrossInstance(_ index: UInt32) -> Bool {
        guard let other = functions[Int(index)].pointee.context else { return false }
        return other != context
    }

    // MARK: Translation

    private func translator(for index: Int) throws(FrameTooLarge) -> Translator {
        try Translator(
            module.code[index - importedFunctionCount], type: functionType(UInt32(index)), environment: self)
    }

    /// Gives a function its code; false when it cannot be represented or there is no memory for it.
    func translate(_ function: UnsafeMutablePointer<sw_function>) -> Bool {
        do {
            var translator = try translator(for: Int(function.pointee.index))
            let slots = try translator.run()
            guard let code = store.codeArena.add(translator.code.bytes, of: function) else { return false }
            if !translator.catches.isEmpty {
                store.catchTables.append(translator.catches)
                function.pointee.catch_table = UInt32(store.catchTables.count - 1)
            }
            function.pointee.code = code
            function.pointee.frame_slots = UInt32(slots)
            return true
        } catch {
            return false
        }
    }

    /// The place in the module of the instruction at a code offset. Nothing is kept for this: translation is
    /// repeated, which only happens for the frames of a trap.
    func moduleOffset(of function: UnsafeMutablePointer<sw_function>, code offset: Int) -> Int? {
        guard var translator = try? translator(for: Int(function.pointee.index)) else { return nil }
        translator.recordsOffsets = true
        guard (try? translator.run()) != nil else { return nil }
        return translator.offsets.last { $0.code <= offset }?.wasm ?? translator.offsets.first?.wasm
    }
}
