// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a helpful word about files that are not modules.

enum FileKind {
    /// What the bytes look like, when they do not start with the magic number of WebAssembly.
    static func guess(_ bytes: UnsafeRawBufferPointer) -> String {
        func starts(_ magic: [UInt8]) -> Bool { bytes.starts(with: magic) }
        if bytes.isEmpty { return "the file is empty" }
        if starts([0x7F, 0x45, 0x4C, 0x46]) {
            return "the file is a native ELF program or library; build it for a wasm32 target instead"
        }
        if starts([0x1F, 0x8B]) { return "the file is gzip-compressed; unpack it first" }
        if starts([0x28, 0xB5, 0x2F, 0xFD]) { return "the file is zstd-compressed; unpack it first" }
        if starts([0x50, 0x4B, 0x03, 0x04]) { return "the file is a zip archive" }
        if starts([0xCF, 0xFA, 0xED, 0xFE]) || starts([0xCA, 0xFE, 0xBA, 0xBE]) {
            return "the file is a macOS program; build it for a wasm32 target instead"
        }
        if starts([0x4D, 0x5A]) { return "the file is a Windows program; build it for a wasm32 target instead" }
        if starts(Array("#!".utf8)) { return "the file is a script" }
        if isTarArchive(bytes) { return "the file is a tar archive, perhaps an image layer; name the .wasm inside it" }
        return guessText(bytes)
    }

    private static func isTarArchive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 512 && bytes[257..<262].elementsEqual("ustar".utf8)
    }

    private static func guessText(_ bytes: UnsafeRawBufferPointer) -> String {
        let head = bytes.prefix(512)
        let isText = head.allSatisfy { $0 >= 0x20 && $0 != 0x7F || (0x09...0x0D).contains($0) }
        guard isText else {
            return "the file starts with \(hexadecimal(bytes.prefix(4))) instead of 00 61 73 6d"
        }
        let text = String(decoding: head.drop { $0 <= 0x20 }.prefix(64), as: UTF8.self)
        if text.hasPrefix("(module") || text.hasPrefix("(component") || text.hasPrefix(";;") {
            return "the file is WebAssembly text; translate it to the binary format first (wat2wasm)"
        }
        let lowercase = text.lowercased()
        if lowercase.hasPrefix("<!doctype") || lowercase.hasPrefix("<html") {
            return "the file is an HTML page, perhaps the error page of a download"
        }
        if text.hasPrefix("<?xml") { return "the file is an XML document" }
        if text.hasPrefix("version https://git-lfs") { return "the file is a Git LFS pointer; fetch its content" }
        if text.hasPrefix("{") || text.hasPrefix("[") { return "the file is text, perhaps JSON" }
        return "the file is text"
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
