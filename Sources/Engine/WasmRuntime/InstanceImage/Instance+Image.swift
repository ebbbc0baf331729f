// SPDX-License-Identifier: Apache-2.0
// Swiftlet: instances that are made of an image, and go back to it.

import CInterpreter
import Wasm

/// What an instance goes back to: the image with this instance's addresses.
struct InstanceBaseline {
    let image: InstanceImage
    var tables: [[UInt64]]
    var elements: [[UInt64]]
    var globals: [UInt64]

    /// - Parameter state: allocated for the image's module.
    init(_ image: InstanceImage, _ state: InstanceState) {
        self.image = image
        func address(_ number: UInt64, _ type: ValueType) -> UInt64 {
            guard type.isReference, number != 0 else { return number }
            return state.functionAddress(UInt32(number - 1))
        }
        tables = zip(image.tables, state.tables).map { numbers, table in
            let type = table.type.element
            return numbers.map { address($0, type) }
        }
        elements = zip(image.elements, image.module.elements).map { numbers, segment in
            numbers.map { address($0, segment.type) }
        }
        globals = image.globals
        for (index, global) in image.module.globals.enumerated() {
            globals[2 * index] = address(globals[2 * index], global.type.value)
        }
    }
}

extension Instance {
    /// An instance as another one was: its segments and its start function have run.
    ///
    /// - Parameters:
    ///   - imports: as for the module.
    ///   - native: as for the module.
    /// - Throws: ``InstantiationError``, `link` or `resource`.
    public init(
        _ image: InstanceImage, in store: Store, imports: Imports = Imports(), native: NativeCode? = nil
    ) throws(InstantiationError) {
        try self.init(allocating: image.module, in: store, imports: imports, native: native)
        let baseline = InstanceBaseline(image, state)
        state.baseline = baseline
        do throws(ResourceError) {
            for (memory, contents) in zip(state.memories, image.memories) { try contents.map(into: memory) }
            try restore(baseline)
        } catch { throw .resource(error) }
    }

    /// Makes an instance that was made of an image what it was then, in the time of a few system calls. Its functions,
    /// memories and tables stay where they are, and what was translated stays translated.
    ///
    /// - Throws: ``InstanceImageError`` when the instance was not made of an image, or runs; `ResourceError` when the
    ///   kernel refuses, after which the instance must not be used any more.
    public func reset() throws {
        guard let baseline = state.baseline else { throw InstanceImageError("the instance was not made of an image") }
        guard store.nesting == 0 else { throw InstanceImageError("the guest is running") }
        for (memory, contents) in zip(state.memories, baseline.image.memories) { try contents.reset(memory) }
        try restore(baseline)
    }

    /// All but the memories.
    private func restore(_ baseline: InstanceBaseline) throws(ResourceError) {
        for (table, values) in zip(state.tables, baseline.tables) {
            // The collector may be marking what stands there.
            store.willOverwrite(table, from: 0, count: UInt64(table.count))
            let count = UInt32(values.count)
            if table.count < count, table.grow(by: count - table.count, initial: 0) == nil {
                throw ResourceError("no memory for a table of \(count) elements")
            }
            table.pointer.pointee.count = count
            values.withUnsafeBufferPointer { buffer in
                guard let source = buffer.baseAddress else { return }
                table.pointer.pointee.elements.update(from: source, count: buffer.count)
            }
        }
        for index in state.globals.indices.dropFirst(state.layout.importedGlobalCount) {
            let global = state.globals[index]
            guard global.type.isMutable else { continue }
            let place = 2 * (index - state.layout.importedGlobalCount)
            store.willOverwrite(global)
            global.pointer.pointee = baseline.globals[place]
            if global.type.value == .v128 { global.pointer[1] = baseline.globals[place + 1] }
        }
        state.elements = baseline.elements
        state.isDataDropped = baseline.image.isDataDropped
        store.machine.pointee.exception = 0
    }
}
