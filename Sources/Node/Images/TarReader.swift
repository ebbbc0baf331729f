// SPDX-License-Identifier: Apache-2.0
// Swiftlet: reads tar archives: ustar, pax and GNU's long names.

/// Members of a tar archive, one after the other. The archive may be hostile: every length is checked before use.
///
/// See: pax(1) in POSIX.1-2017, and tar(5) of libarchive for GNU's forms.
public final class TarReader: ByteSource {
    private let source: any ByteSource
    private let what: String
    private let limits: ImageLimits
    /// Content of the current member that is not read yet, and the padding after it.
    private var remaining: UInt64 = 0
    private var padding = 0
    private var entryCount = 0
    private var isAtEnd = false
    /// From pax headers of type g.
    private var globalAttributes: [String: String] = [:]

    public init(_ source: any ByteSource, what: String, limits: ImageLimits = ImageLimits()) {
        self.source = source
        self.what = what
        self.limits = limits
    }

    /// The next member, nil at the end. What was not read of the one before is skipped.
    public func next() throws(ImageError) -> TarEntry? {
        guard !isAtEnd else { return nil }
        var attributes = globalAttributes
        var longName: String?
        var longLink: String?
        var headers = 0
        while true {
            try skipRest()
            guard let block = try readBlock() else { return nil }
            // LIMIT: headers that only describe the next one.
            headers += 1
            guard headers <= 16 else { throw damaged("16 headers without a member") }
            switch block[TarBlock.type] {
            case UInt8(ascii: "x"):
                attributes.merge(try extendedHeader(block)) { _, new in new }
            case UInt8(ascii: "g"):
                globalAttributes.merge(try extendedHeader(block)) { _, new in new }
                // LIMIT: a global header must not grow without end.
                guard globalAttributes.count <= 256 else { throw damaged("more than 256 global attributes") }
                attributes.merge(globalAttributes) { own, _ in own }
            case UInt8(ascii: "L"): longName = try longText(block)
            case UInt8(ascii: "K"): longLink = try longText(block)
            default:
                return try entry(block, attributes, longName, longLink)
            }
        }
    }

    /// Reads content of the current member.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        guard remaining > 0 else { return 0 }
        let wanted = Int(min(UInt64(buffer.count), remaining))
        let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
        guard count > 0 else { throw damaged("truncated: \(remaining) bytes of a member are missing") }
        remaining -= UInt64(count)
        return count
    }

    /// Reads what follows the end mark, so that a hash below sees all bytes.
    public func finish() throws(ImageError) { try source.drain() }

    private func damaged(_ reason: String) -> ImageError {
        ImageError(.invalidContent, "\(what): tar member \(entryCount + 1): \(reason)")
    }

    private func skipRest() throws(ImageError) {
        var rest = remaining + UInt64(padding)
        remaining = 0
        padding = 0
        guard rest > 0 else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        while rest > 0 {
            let wanted = Int(min(UInt64(buffer.count), rest))
            let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
            // The padding of the very last member is missing in some archives.
            guard count > 0 else {
                if rest < 512 { return }
                throw damaged("truncated: \(rest) bytes are missing")
            }
            rest -= UInt64(count)
        }
    }

    /// A header block with a right checksum; nil at the end, marked by zeros or by nothing.
    private func readBlock() throws(ImageError) -> [UInt8]? {
        let block = try source.readFully(TarBlock.size)
        if block.isEmpty || block.count == TarBlock.size && block.allSatisfy({ $0 == 0 }) {
            isAtEnd = true
            return nil
        }
        guard block.count == TarBlock.size else { throw damaged("truncated in the header") }
        let stated = try number(block, TarBlock.checksum, "checksum")
        let sums = TarBlock.checksums(block)
        guard stated == sums.unsigned || stated == sums.signed else {
            throw damaged("the header's checksum is \(sums.unsigned), expected \(stated): this is no tar archive")
        }
        return block
    }

    private func entry(
        _ block: [UInt8], _ attributes: [String: String], _ longName: String?, _ longLink: String?
    ) throws(ImageError) -> TarEntry {
        entryCount += 1
        guard entryCount <= limits.unpackedEntries else {
            throw ImageError(.limitExceeded, "\(what): more than \(limits.unpackedEntries) members")
        }
        let path = attributes["path"] ?? longName ?? name(block)
        let kind = try kind(block[TarBlock.type], path, attributes)
        let target = attributes["linkpath"] ?? longLink ?? Self.text(block[TarBlock.link])
        for text in [path, target] where text.utf8.count > limits.pathBytes || text.utf8.contains(0) {
            throw damaged("a path of \(text.utf8.count) bytes; at most \(limits.pathBytes) are allowed, and no NUL")
        }
        var size = try number(block, TarBlock.length, "size")
        if let text = attributes["size"] { size = try decimal(text, "size") }
        guard size >= 0, UInt64(size) <= limits.unpackedBytes else {
            throw ImageError(
                .limitExceeded, "\(what): \(path): \(size) bytes, at most \(limits.unpackedBytes) are allowed")
        }
        // Links and folders have no content, whatever they say; only files and old directories' sizes were ever real.
        let hasContent = kind == .file
        remaining = hasContent ? UInt64(size) : 0
        padding = TarBlock.padding(remaining)
        return TarEntry(
            kind: kind, path: path, target: kind == .symbolicLink || kind == .hardLink ? target : "",
            size: remaining, mode: UInt32(truncatingIfNeeded: try number(block, TarBlock.mode, "mode")) & 0o7777,
            user: try identity(attributes["uid"], block, TarBlock.user, "uid"),
            group: try identity(attributes["gid"], block, TarBlock.group, "gid"),
            modified: try modificationTime(attributes["mtime"], block))
    }

    private func kind(_ type: UInt8, _ path: String, _ attributes: [String: String]) throws(ImageError) -> TarEntry.Kind
    {
        switch type {
        case UInt8(ascii: "0"), 0, UInt8(ascii: "7"):
            if attributes.keys.contains(where: { $0.hasPrefix("GNU.sparse.") }) {
                throw ImageError(.unsupported, "\(what): \(path): sparse files are not supported")
            }
            return path.hasSuffix("/") && type == 0 ? .directory : .file
        case UInt8(ascii: "1"): return .hardLink
        case UInt8(ascii: "2"): return .symbolicLink
        case UInt8(ascii: "3"): return .characterDevice
        case UInt8(ascii: "4"): return .blockDevice
        case UInt8(ascii: "5"): return .directory
        case UInt8(ascii: "6"): return .fifo
        case UInt8(ascii: "S"): throw ImageError(.unsupported, "\(what): \(path): sparse files are not supported")
        default: throw ImageError(.unsupported, "\(what): \(path): unknown type of member \(type)")
        }
    }

    private func identity(
        _ attribute: String?, _ block: [UInt8], _ field: Range<Int>, _ name: String
    ) throws(ImageError) -> UInt32 {
        let value: Int64
        if let attribute { value = try decimal(attribute, name) } else { value = try number(block, field, name) }
        guard let identity = UInt32(exactly: value), identity != .max else { throw damaged("\(name) \(value)") }
        return identity
    }

    private func modificationTime(_ attribute: String?, _ block: [UInt8]) throws(ImageError) -> Int64 {
        guard let attribute else { return try number(block, TarBlock.modified, "mtime") }
        let whole = attribute.prefix { $0 != "." }
        return try decimal(whole == "-0" || whole.isEmpty ? "0" : String(whole), "mtime")
    }

    // MARK: - Headers about the next header

    private func headerContent(_ block: [UInt8]) throws(ImageError) -> [UInt8] {
        let size = try number(block, TarBlock.length, "size")
        guard size >= 0, size <= limits.extendedHeaderBytes else {
            throw ImageError(
                .limitExceeded,
                "\(what): an extended header of \(size) bytes, at most \(limits.extendedHeaderBytes) are allowed")
        }
        remaining = UInt64(size)
        padding = TarBlock.padding(remaining)
        return try readAll(limit: limits.extendedHeaderBytes, name: what)
    }

    private func longText(_ block: [UInt8]) throws(ImageError) -> String { Self.text(try headerContent(block)[...]) }

    /// Records of the form `LENGTH KEY=VALUE\n`.
    private func extendedHeader(_ block: [UInt8]) throws(ImageError) -> [String: String] {
        let content = try headerContent(block)
        var attributes: [String: String] = [:]
        var rest = content[...]
        while let first = rest.first, first != 0 {
            guard let blank = rest.firstIndex(of: 0x20),
                let length = Int(String(decoding: rest[..<blank], as: UTF8.self)), length <= rest.count,
                length > blank - rest.startIndex + 1, rest[rest.startIndex + length - 1] == 0x0A
            else { throw damaged("an extended header's record has a wrong length") }
            let record = rest[(blank + 1)..<(rest.startIndex + length - 1)]
            guard let equals = record.firstIndex(of: 0x3D) else {
                throw damaged("an extended header's record has no \"=\"")
            }
            let key = String(decoding: record[..<equals], as: UTF8.self)
            attributes[key] = String(decoding: record[(equals + 1)...], as: UTF8.self)
            rest = rest[(rest.startIndex + length)...]
        }
        return attributes
    }

    // MARK: - Fields

    private func name(_ block: [UInt8]) -> String {
        let name = Self.text(block[TarBlock.name])
        // GNU's magic has a blank where ustar's has NUL, and other things where ustar has the prefix.
        guard block[TarBlock.magic].elementsEqual(Array("ustar\0".utf8)) else { return name }
        let prefix = Self.text(block[TarBlock.prefix])
        return prefix.isEmpty ? name : "\(prefix)/\(name)"
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    private func decimal(_ text: String, _ name: String) throws(ImageError) -> Int64 {
        guard let value = Int64(text) else { throw damaged("\(name) \"\(text.prefix(40))\" is no number") }
        return value
    }

    /// Octal digits with blanks or NULs around, or GNU's binary form.
    private func number(_ block: [UInt8], _ field: Range<Int>, _ name: String) throws(ImageError) -> Int64 {
        let bytes = block[field]
        if let first = bytes.first, first & 0x80 != 0 {
            var value: Int64 = first & 0x40 != 0 ? -1 : 0
            value = value << 6 | Int64(first & 0x3F)
            for byte in bytes.dropFirst() {
                guard value.leadingZeroBitCount > 8 || (~value).leadingZeroBitCount > 8 else {
                    throw damaged("\(name) is out of range")
                }
                value = value << 8 | Int64(byte)
            }
            return value
        }
        let digits = bytes.drop { $0 == 0x20 || $0 == 0 }.prefix { $0 != 0x20 && $0 != 0 }
        if digits.isEmpty { return 0 }
        guard let value = Int64(String(decoding: digits, as: UTF8.self), radix: 8), value >= 0 else {
            throw damaged("\(name) is no octal number")
        }
        return value
    }
}
