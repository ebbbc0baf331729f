// SPDX-License-Identifier: Apache-2.0
// Swiftlet: exceptions (core specification 3.0 §4.2.13) as objects of the heap, and as the host sees them.

import CInterpreter
public import Wasm

/// A tag: what exceptions are told apart by. Two tags of one type are two tags.
public struct Tag {
    let store: Store?
    let pointer: UnsafeMutablePointer<sw_tag>

    init(store: Store?, pointer: UnsafeMutablePointer<sw_tag>) {
        self.store = store
        self.pointer = pointer
    }

    /// The address, which is the identity.
    var address: UInt64 { UInt64(UInt(bitPattern: pointer)) }
}

/// An exception in the heap: the tag's address in the first slot, then the values.
struct ExceptionObject {
    let object: UnsafeMutablePointer<sw_object>

    init?(_ reference: UInt64) {
        guard let object = UnsafeMutablePointer<sw_object>(bitPattern: UInt(reference)) else { return nil }
        self.object = object
    }

    var slots: UnsafeMutablePointer<UInt64> {
        (UnsafeMutableRawPointer(object) + Int(sw_object_header)).assumingMemoryBound(to: UInt64.self)
    }

    var tag: UInt64 { slots[0] }
    var valueCount: Int { (Int(object.pointee.type.pointee.byte_count) - Int(sw_object_header)) / 8 - 1 }
    var reference: UInt64 { UInt64(UInt(bitPattern: object)) }
}

/// An exception that nobody in the guest has caught. It lives as long as this value; use it on the store's thread.
public final class UncaughtException: @unchecked Sendable {
    // SAFETY: like everything of a store it is used by one thread at a time; the members never change.
    private let root: RootedReference
    public let tag: Tag
    /// The tag's name: of an export, of an import, or of the name section.
    public let tagName: String?
    public let types: [ValueType]
    /// The values as slots.
    public let values: [UInt64]

    /// As a value of type `exnref`, to be thrown again by a host function.
    public var reference: UInt64 { root.value }

    init(_ exception: ExceptionObject, in store: Store) {
        root = store.root(exception.reference)
        let pointer = UnsafeMutablePointer<sw_tag>(bitPattern: UInt(exception.tag)).unsafelyUnwrapped
        tag = Tag(store: store, pointer: pointer)
        tagName = store.name(of: pointer)
        types = store.types.functionType(pointer.pointee.type).parameters
        values = (0..<exception.valueCount).map { exception.slots[1 + $0] }
    }
}

extension UncaughtException: CustomStringConvertible {
    /// `tag E (i32 7)`; a tag without a name is `a tag without a name`.
    public var description: String {
        var slot = 0
        let texts = types.map { type in
            defer { slot += type.slotCount }
            return switch type {
            case .i32: "i32 \(Int32(truncatingIfNeeded: values[slot]))"
            case .i64: "i64 \(Int64(bitPattern: values[slot]))"
            case .f32: "f32 \(Float(bitPattern: UInt32(truncatingIfNeeded: values[slot])))"
            case .f64: "f64 \(Double(bitPattern: values[slot]))"
            default: type.description
            }
        }
        let name = tagName.map { "tag \($0)" } ?? "a tag without a name"
        return texts.isEmpty ? name : "\(name) (\(texts.joined(separator: ", ")))"
    }
}

extension Store {
    /// A tag of the host, for ``Imports``.
    public func makeTag(_ parameters: [ValueType]) -> Tag {
        makeTag(type: types.number(of: FunctionType(parameters: parameters, results: [])))
    }

    func makeTag(type: UInt32) -> Tag {
        let pointer = allocate(sw_tag.self, count: 1, initial: sw_tag())
        pointer.pointee.type = type
        return Tag(store: self, pointer: pointer)
    }

    /// A new exception, to be thrown by a host function; nil when the memory limit is reached.
    public func makeException(_ tag: Tag, _ values: [UInt64]) -> RootedReference? {
        let type = types.functionType(tag.pointer.pointee.type)
        precondition(values.count == type.parameters.slotCount, "values of \(type): found \(values.count)")
        return values.withUnsafeBufferPointer { makeException(tag.pointer, $0.baseAddress, stackTop: nil) }
            .map { root($0.reference) }
    }

    func makeException(
        _ tag: UnsafeMutablePointer<sw_tag>, _ values: UnsafePointer<UInt64>?, stackTop: UnsafeMutablePointer<UInt64>?
    ) -> ExceptionObject? {
        guard let heap = try? makeHeap() else { return nil }
        if tag.pointee.record == nil {
            tag.pointee.record = makeRecordType([.i64] + types.functionType(tag.pointee.type).parameters)
        }
        guard let record = tag.pointee.record, let object = heap.allocate(record, length: 0, stackTop: stackTop),
            let exception = ExceptionObject(UInt64(UInt(bitPattern: object)))
        else { return nil }
        exception.slots[0] = UInt64(UInt(bitPattern: tag))
        if let values { (exception.slots + 1).update(from: values, count: exception.valueCount) }
        return exception
    }

    /// The name of a tag in the first instance that knows it.
    fileprivate func name(of tag: UnsafeMutablePointer<sw_tag>) -> String? {
        for instance in instances {
            if let index = instance.tags.firstIndex(where: { $0.pointer == tag }),
                let name = instance.module.tagName(UInt32(index))
            {
                return name
            }
        }
        return nil
    }
}

extension Module {
    /// The name of a tag: from the name section, else of an export or import.
    fileprivate func tagName(_ index: UInt32) -> String? {
        if let name = NameSection(self).tag(index) { return name }
        for export in exports where export.description == .tag(index) { return export.name }
        var current: UInt32 = 0
        for entry in imports {
            guard case .tag = entry.description else { continue }
            if current == index { return "\(entry.module).\(entry.name)" }
            current += 1
        }
        return nil
    }
}
