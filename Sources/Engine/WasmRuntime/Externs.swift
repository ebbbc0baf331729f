// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what instances export and import.

import CInterpreter
import Glibc
public import Wasm

/// An external value (core specification §4.2.11).
public enum Extern {
    case function(Function)
    case table(Table)
    case memory(Memory)
    case global(GlobalVariable)
    case tag(Tag)
}

/// A function of an instance or of the host.
public struct Function {
    let store: Store
    let pointer: UnsafeMutablePointer<sw_function>

    /// Concrete reference types in it have the store's type numbers, not a module's.
    public var type: FunctionType { store.types.functionType(pointer.pointee.type) }
    /// As a value of type `funcref`; 0 is null.
    public var reference: UInt64 { UInt64(UInt(bitPattern: pointer)) }
}

/// A linear memory. Its address never changes; its size may, in every call into the guest.
public struct Memory {
    /// Keeps the store alive; nil inside the store itself.
    let store: Store?
    let pointer: UnsafeMutablePointer<sw_memory>

    public var byteCount: Int { Int(pointer.pointee.byte_count) }
    public var pageCount: UInt64 { pointer.pointee.byte_count >> 16 }

    /// The type with the current size as minimum, as imports are matched (core specification §4.5.3).
    public var type: MemoryType {
        let maximum = pointer.pointee.page_maximum
        return MemoryType(
            limits: Limits(minimum: pageCount, maximum: maximum == .max ? nil : maximum),
            address: pointer.pointee.is_64 ? .i64 : .i32, isShared: pointer.pointee.is_shared)
    }

    /// The contents, valid until the guest runs again.
    public var guest: GuestMemory {
        GuestMemory(
            base: UnsafeMutableRawPointer(pointer.pointee.base)
                ?? UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped,
            byteCount: byteCount)
    }

    /// The former size in pages, or nil when a limit or the kernel refuses (core specification §4.4.8 memory.grow).
    public func grow(byPages delta: UInt64) -> UInt64? {
        // One thread at a time; growing is rare enough for one lock.
        pthread_mutex_lock(Self.growth)
        defer { pthread_mutex_unlock(Self.growth) }
        let old = pageCount
        guard delta <= pointer.pointee.page_limit, old + delta <= pointer.pointee.page_limit else { return nil }
        if delta > 0 {
            let end = pointer.pointee.base + Int(old) << 16
            guard mprotect(end, Int(delta) << 16, PROT_READ | PROT_WRITE) == 0 else { return nil }
            pointer.pointee.byte_count = (old + delta) << 16
        }
        return old
    }
}

extension Memory {
    // SAFETY: initialised once, never given back, only ever used as a lock.
    nonisolated(unsafe) fileprivate static let growth: UnsafeMutablePointer<pthread_mutex_t> = {
        let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        return lock
    }()
}

/// A table of references: functions as ``Function/reference``, externals as the host's number; 0 is null.
public struct Table {
    /// Keeps the store alive; nil inside the store itself.
    let store: Store?
    let pointer: UnsafeMutablePointer<sw_table>

    public var count: UInt32 { pointer.pointee.count }

    public var type: TableType {
        let maximum = pointer.pointee.maximum
        return TableType(
            element: ValueType(rawValue: pointer.pointee.element_type),
            limits: Limits(minimum: UInt64(count), maximum: maximum == .max ? nil : maximum),
            address: pointer.pointee.is_64 ? .i64 : .i32)
    }

    public subscript(index: UInt32) -> UInt64? {
        index < count ? pointer.pointee.elements[Int(index)] : nil
    }

    /// The former size, or nil when a limit or the allocator refuses (core specification §4.4.7 table.grow).
    public func grow(by delta: UInt32, initial: UInt64) -> UInt32? {
        let old = count
        guard delta <= pointer.pointee.limit, old <= pointer.pointee.limit - delta else { return nil }
        guard delta > 0 else { return old }
        let byteCount = Int(old + delta) * 8
        guard let larger = realloc(pointer.pointee.elements, byteCount) else { return nil }
        let elements = larger.assumingMemoryBound(to: UInt64.self)
        (elements + Int(old)).update(repeating: initial, count: Int(delta))
        pointer.pointee.elements = elements
        pointer.pointee.count = old + delta
        return old
    }
}

/// A global variable.
public struct GlobalVariable {
    /// Keeps the store alive; nil inside the store itself.
    let store: Store?
    public let type: GlobalType
    let pointer: UnsafeMutablePointer<UInt64>

    /// The slot: i32 and f32 in the low half, the upper half zero; of a v128 the low half. Set only what `type` allows.
    public var value: UInt64 {
        get { pointer.pointee }
        nonmutating set { pointer.pointee = newValue }
    }

    /// All slots of the value: two for a v128, the low half first, one for any other type.
    public var slots: [UInt64] { (0..<type.value.slotCount).map { pointer[$0] } }

    /// The upper half of a v128; 0 for other types. Setting it needs a v128.
    public var upperHalf: UInt64 {
        get { type.value == .v128 ? pointer[1] : 0 }
        nonmutating set {
            precondition(type.value == .v128, "the upper half of a global of type \(type.value)")
            pointer[1] = newValue
        }
    }
}
