// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where translated code lives.

import CInterpreter
import Glibc

/// Bump-allocated, never freed before the store. Each block of code follows a header of two words: the function and
/// the code's size in bytes, so that a program counter finds its function.
struct CodeArena: ~Copyable {
    private static let chunkBytes = 64 << 10
    private var chunks: [(base: UnsafeMutableRawPointer, used: Int, byteCount: Int)] = []

    deinit {
        for chunk in chunks { munmap(chunk.base, chunk.byteCount) }
    }

    /// Copies `code` to its place; nil when there is no memory.
    mutating func add(
        _ code: UnsafeRawBufferPointer, of function: UnsafeMutablePointer<sw_function>
    ) -> UnsafePointer<UInt8>? {
        let needed = code.count + 16
        if chunks.last.map({ $0.byteCount - $0.used < needed }) ?? true {
            let byteCount = max(Self.chunkBytes, (needed + 4095) & ~4095)
            guard let base = try? Mapping.map(byteCount, protection: PROT_READ | PROT_WRITE, what: "code") else {
                return nil
            }
            chunks.append((base, 0, byteCount))
        }
        let last = chunks.count - 1
        let place = chunks[last].base + chunks[last].used
        place.storeBytes(of: UInt64(UInt(bitPattern: function)), as: UInt64.self)
        place.storeBytes(of: UInt64(code.count), toByteOffset: 8, as: UInt64.self)
        (place + 16).copyMemory(from: code.baseAddress ?? UnsafeRawPointer(place), byteCount: code.count)
        chunks[last].used += needed
        return UnsafePointer((place + 16).assumingMemoryBound(to: UInt8.self))
    }

    /// The function whose code contains `pc`, and the offset in its code.
    func find(_ pc: UnsafeRawPointer) -> (function: UnsafeMutablePointer<sw_function>, offset: Int)? {
        for chunk in chunks where pc >= UnsafeRawPointer(chunk.base) && pc < UnsafeRawPointer(chunk.base + chunk.used) {
            var position = 0
            while position < chunk.used {
                let address = UInt((chunk.base + position).load(as: UInt64.self))
                let count = Int((chunk.base + position).load(fromByteOffset: 8, as: UInt64.self))
                let offset = pc - UnsafeRawPointer(chunk.base + position + 16)
                if offset >= 0, offset < count, let function = UnsafeMutablePointer<sw_function>(bitPattern: address) {
                    return (function, offset)
                }
                position += count + 16
            }
        }
        return nil
    }
}
