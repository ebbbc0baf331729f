// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where translated code lives.

import CInterpreter
import Glibc

/// Bump-allocated, never freed before the store. Each block of code follows a header of two words: the function and
/// the code's size in bytes, so that a program counter finds its function.
struct CodeArena: ~Copyable {
    private static let chunkBytes = 64 << 10

    private struct Chunk {
        var base: UnsafeMutableRawPointer
        var used: Int
        var byteCount: Int
        /// Where its blocks begin, ascending.
        var blocks: [Int] = []
        /// Its number for the profile, if there is one.
        var profileNumber: Int32 = -1
    }

    /// In the order of their addresses.
    private var chunks: [Chunk] = []
    /// Index of the one with room, -1 before the first.
    private var current = -1

    deinit {
        for chunk in chunks {
            sw_profile_remove_chunk(chunk.profileNumber)
            munmap(chunk.base, chunk.byteCount)
        }
    }

    /// Copies `code` to its place; nil when there is no memory.
    mutating func add(
        _ code: UnsafeRawBufferPointer, of function: UnsafeMutablePointer<sw_function>
    ) -> UnsafePointer<UInt8>? {
        let needed = code.count + 16
        if current < 0 || chunks[current].byteCount - chunks[current].used < needed {
            guard addChunk(max(Self.chunkBytes, (needed + 4095) & ~4095)) else { return nil }
        }
        let place = chunks[current].base + chunks[current].used
        place.storeBytes(of: UInt64(UInt(bitPattern: function)), as: UInt64.self)
        place.storeBytes(of: UInt64(code.count), toByteOffset: 8, as: UInt64.self)
        (place + 16).copyMemory(from: code.baseAddress ?? UnsafeRawPointer(place), byteCount: code.count)
        chunks[current].blocks.append(chunks[current].used)
        chunks[current].used += needed
        if sw_profile_is_on() {
            sw_profile_set_used(
                chunks[current].profileNumber, UInt32(clamping: chunks[current].used), function.pointee.index)
        }
        return UnsafePointer((place + 16).assumingMemoryBound(to: UInt8.self))
    }

    private mutating func addChunk(_ byteCount: Int) -> Bool {
        guard let base = try? Mapping.map(byteCount, protection: PROT_READ | PROT_WRITE, what: "code") else {
            return false
        }
        current = Self.partition(chunks.count) { chunks[$0].base > base }
        let number = sw_profile_is_on() ? sw_profile_add_chunk(base.assumingMemoryBound(to: UInt8.self)) : -1
        chunks.insert(Chunk(base: base, used: 0, byteCount: byteCount, profileNumber: number), at: current)
        return true
    }

    /// The first of `count` indices for which `isBeyond` holds, which it does from some index on.
    private static func partition(_ count: Int, _ isBeyond: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The function whose code contains `pc`, and the offset in its code. Unwinding asks for each frame.
    func find(_ pc: UnsafeRawPointer) -> (function: UnsafeMutablePointer<sw_function>, offset: Int)? {
        let index = Self.partition(chunks.count) { UnsafeRawPointer(chunks[$0].base) > pc } - 1
        guard index >= 0 else { return nil }
        let chunk = chunks[index]
        let position = pc - UnsafeRawPointer(chunk.base)
        guard position < chunk.used else { return nil }
        let block = Self.partition(chunk.blocks.count) { chunk.blocks[$0] > position } - 1
        guard block >= 0 else { return nil }
        let header = chunk.base + chunk.blocks[block]
        let count = Int(header.load(fromByteOffset: 8, as: UInt64.self))
        let offset = position - chunk.blocks[block] - 16
        guard offset >= 0, offset < count,
            let function = UnsafeMutablePointer<sw_function>(bitPattern: UInt(header.load(as: UInt64.self)))
        else { return nil }
        return (function, offset)
    }
}
