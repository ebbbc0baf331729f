// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the growing code of the function under translation.

import CInterpreter

/// Instructions of the interpreter: an 8-byte handler address each, then operands, in multiples of 8 bytes.
///
/// Branch distances are relative, so the finished code is copied to its place as it is.
struct CodeBuffer: ~Copyable {
    private var storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
    private(set) var count = 0

    deinit { storage.deallocate() }

    /// The finished code.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

    mutating func removeAll() { count = 0 }

    /// Takes back everything from `position` on.
    mutating func truncate(to position: Int) { count = position }

    private mutating func reserve(_ byteCount: Int) {
        guard count + byteCount > storage.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(storage.count * 2, count + byteCount), alignment: 8)
        larger.copyMemory(from: bytes)
        storage.deallocate()
        storage = larger
    }

    mutating func append(_ word: UInt64) {
        reserve(8)
        storage.storeBytes(of: word, toByteOffset: count, as: UInt64.self)
        count += 8
    }

    /// An instruction of 16 bytes; returns where it stands.
    @discardableResult
    mutating func append(handler: Int, _ word: UInt64) -> Int {
        reserve(16)
        let position = count
        storage.storeBytes(of: sw_handler_address(Int32(handler)), toByteOffset: count, as: UInt64.self)
        storage.storeBytes(of: word, toByteOffset: count + 8, as: UInt64.self)
        count += 16
        return position
    }

    mutating func setHandler(_ handler: Int, at position: Int) {
        storage.storeBytes(of: sw_handler_address(Int32(handler)), toByteOffset: position, as: UInt64.self)
    }

    mutating func set16(_ value: UInt16, at position: Int) {
        storage.storeBytes(of: value, toByteOffset: position, as: UInt16.self)
    }

    mutating func set32(_ value: Int32, at position: Int) {
        storage.storeBytes(of: value, toByteOffset: position, as: Int32.self)
    }
}

/// Packs four 16-bit operands into a word.
@inline(__always)
func word(_ a: UInt16, _ b: UInt16 = 0, _ c: UInt16 = 0, _ d: UInt16 = 0) -> UInt64 {
    UInt64(a) | UInt64(b) << 16 | UInt64(c) << 32 | UInt64(d) << 48
}

/// Packs two 16-bit operands and a 32-bit one.
@inline(__always)
func word(_ a: UInt16, _ b: UInt16, imm32: UInt32) -> UInt64 {
    UInt64(a) | UInt64(b) << 16 | UInt64(imm32) << 32
}
