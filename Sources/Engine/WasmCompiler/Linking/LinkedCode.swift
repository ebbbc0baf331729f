// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what linking gives.

/// Code and constants of all objects, ready for an image.
public struct LinkedCode: Sendable {
    public internal(set) var text: [UInt8] = []
    /// Belongs at `NativeImageFormat.readOnlyDataDistance` after the text's start.
    public internal(set) var readOnlyData: [UInt8] = []
    /// By function index of the module: the symbols `f0`, `f1`, ….
    public internal(set) var functions: [Int: Piece] = [:]
    /// By type index of the module: the symbols `t0`, `t1`, ….
    public internal(set) var thunks: [Int: Piece] = [:]
    /// Sections that were asked for, by object in the order of adding.
    public internal(set) var keptSections: [KeptSection] = []

    /// A piece of the text.
    public struct Piece: Sendable, Equatable {
        /// In bytes from the text's start.
        public var offset: Int
        /// As the object says.
        public var byteCount: Int
    }

    /// A section that is not part of the image. Its references to code are text offsets, and to constants offsets from
    /// the text's start too.
    public struct KeptSection: Sendable {
        /// As the caller named it.
        public var object: String
        public var name: String
        public var bytes: [UInt8]
    }

    /// Files the symbol where its name says; all other names mean something only between objects.
    mutating func note(_ name: String, _ piece: Piece) {
        let digits = name.utf8.dropFirst()
        guard let first = name.utf8.first, let leading = digits.first, (0x30...0x39).contains(leading),
            let index = Int(name.dropFirst()), leading != 0x30 || digits.count == 1
        else { return }
        switch first {
        case UInt8(ascii: "f"): functions[index] = piece
        case UInt8(ascii: "t"): thunks[index] = piece
        default: break
        }
    }
}
