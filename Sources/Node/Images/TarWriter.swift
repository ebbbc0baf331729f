// SPDX-License-Identifier: Apache-2.0
// Swiftlet: writes tar archives, the same bytes for the same members.

/// Takes bytes in order.
protocol ByteSink: AnyObject {
    func write(_ bytes: UnsafeRawBufferPointer) throws(ImageError)
}

extension ByteSink {
    func write(_ bytes: [UInt8]) throws(ImageError) {
        var failure: ImageError?
        bytes.withUnsafeBytes { buffer in
            do throws(ImageError) { try write(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

/// ustar, with a pax header where a name or a size does not fit.
final class TarWriter {
    private let sink: any ByteSink

    init(_ sink: any ByteSink) { self.sink = sink }

    /// Writes a member; a file's `content` must have `entry.size` bytes.
    func add(_ entry: TarEntry, content: (any ByteSource)? = nil) throws(ImageError) {
        var entry = entry
        if entry.kind == .directory, !entry.path.hasSuffix("/") { entry.path += "/" }
        var attributes: [(String, String)] = []
        if entry.path.utf8.count > TarBlock.name.count { attributes.append(("path", entry.path)) }
        if entry.target.utf8.count > TarBlock.link.count { attributes.append(("linkpath", entry.target)) }
        // Eleven octal digits.
        if entry.size >= 1 << 33 { attributes.append(("size", "\(entry.size)")) }
        if !attributes.isEmpty { try addExtendedHeader(attributes) }
        try sink.write(Self.header(entry, type: Self.type(entry.kind)))
        guard entry.kind == .file else { return }
        var written: UInt64 = 0
        if let content {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
            defer { buffer.deallocate() }
            while true {
                let count = try content.read(into: buffer)
                if count == 0 { break }
                written += UInt64(count)
                try sink.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
        guard written == entry.size else {
            throw ImageError(
                .invalidContent, "\(entry.path): expected \(entry.size) bytes, found \(written): it changed")
        }
        try sink.write([UInt8](repeating: 0, count: TarBlock.padding(entry.size)))
    }

    func add(_ path: String, _ content: [UInt8], mode: UInt32 = 0o644) throws(ImageError) {
        try add(
            TarEntry(kind: .file, path: path, size: UInt64(content.count), mode: mode), content: MemorySource(content))
    }

    /// Two blocks of zeros.
    func finish() throws(ImageError) { try sink.write([UInt8](repeating: 0, count: 2 * TarBlock.size)) }

    private func addExtendedHeader(_ attributes: [(String, String)]) throws(ImageError) {
        var content: [UInt8] = []
        for (key, value) in attributes {
            // The length counts its own digits.
            let rest = 1 + key.utf8.count + 1 + value.utf8.count + 1
            var length = rest + 1
            while length != rest + "\(length)".utf8.count { length += 1 }
            content += "\(length) \(key)=\(value)\n".utf8
        }
        let entry = TarEntry(kind: .file, path: "PaxHeaders/member", size: UInt64(content.count))
        try sink.write(Self.header(entry, type: UInt8(ascii: "x")))
        try sink.write(content)
        try sink.write([UInt8](repeating: 0, count: TarBlock.padding(entry.size)))
    }

    private static func type(_ kind: TarEntry.Kind) -> UInt8 {
        switch kind {
        case .file: UInt8(ascii: "0")
        case .hardLink: UInt8(ascii: "1")
        case .symbolicLink: UInt8(ascii: "2")
        case .characterDevice: UInt8(ascii: "3")
        case .blockDevice: UInt8(ascii: "4")
        case .directory: UInt8(ascii: "5")
        case .fifo: UInt8(ascii: "6")
        }
    }

    private static func header(_ entry: TarEntry, type: UInt8) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: TarBlock.size)
        func put(_ bytes: some Sequence<UInt8>, _ field: Range<Int>) {
            for (offset, byte) in bytes.prefix(field.count).enumerated() { block[field.lowerBound + offset] = byte }
        }
        func put(_ value: UInt64, _ field: Range<Int>) {
            let digits = String(value, radix: 8)
            put((String(repeating: "0", count: max(0, field.count - 1 - digits.count)) + digits).utf8, field)
        }
        put(entry.path.utf8, TarBlock.name)
        put(UInt64(entry.mode), TarBlock.mode)
        put(UInt64(entry.user), TarBlock.user)
        put(UInt64(entry.group), TarBlock.group)
        put(entry.kind == .file && entry.size < 1 << 33 ? entry.size : 0, TarBlock.length)
        put(UInt64(max(0, entry.modified)), TarBlock.modified)
        block[TarBlock.type] = type
        put(entry.target.utf8, TarBlock.link)
        put("ustar\0".utf8, TarBlock.magic)
        put("00".utf8, TarBlock.version)
        let sum = String(TarBlock.checksums(block).unsigned, radix: 8)
        put((String(repeating: "0", count: 6 - sum.count) + sum + "\0 ").utf8, TarBlock.checksum)
        return block
    }
}
