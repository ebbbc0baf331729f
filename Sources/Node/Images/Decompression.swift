// SPDX-License-Identifier: Apache-2.0
// Swiftlet: gzip and zstd streams.

import CZlib
import CZstd

/// Plain bytes out of a stream that may be compressed.
enum Decompression {
    /// Found by the first bytes, as container engines do it: registries' media types are not always right.
    static func open(_ source: any ByteSource, what: String) throws(ImageError) -> any ByteSource {
        let head = try source.readFully(4)
        let whole = PrefixedSource(head, source)
        if head.starts(with: [0x1f, 0x8b]) { return try GzipSource(whole, what: what) }
        if head == [0x28, 0xb5, 0x2f, 0xfd] { return try ZstdSource(whole, what: what) }
        if head.starts(with: Array("BZh".utf8)) || head == [0xfd, 0x37, 0x7a, 0x58] {
            throw ImageError(.unsupported, "\(what): bzip2 and xz are not supported; use gzip or zstd")
        }
        return whole
    }
}

/// Bytes that were read already, and the rest.
private final class PrefixedSource: ByteSource {
    private var prefix: ArraySlice<UInt8>
    private let source: any ByteSource

    init(_ prefix: [UInt8], _ source: any ByteSource) {
        self.prefix = prefix[...]
        self.source = source
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        if prefix.isEmpty { return try source.read(into: buffer) }
        let count = min(prefix.count, buffer.count)
        buffer.copyBytes(from: prefix.prefix(count))
        prefix = prefix.dropFirst(count)
        return count
    }
}

/// RFC 1952, several members too.
private final class GzipSource: ByteSource {
    private let source: any ByteSource
    private let what: String
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var isAtMemberEnd = false

    init(_ source: any ByteSource, what: String) throws(ImageError) {
        self.source = source
        self.what = what
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16: the gzip format only.
        let result = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { throw ImageError(.storage, "\(what): zlib cannot start: \(result)") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        stream.pointee.next_out = buffer.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(clamping: buffer.count)
        let wanted = stream.pointee.avail_out
        while stream.pointee.avail_out == wanted {
            if stream.pointee.avail_in == 0 {
                let count = try source.read(into: input)
                if count == 0 {
                    guard isAtMemberEnd else {
                        throw ImageError(.invalidContent, "\(what): the gzip stream is truncated")
                    }
                    return 0
                }
                stream.pointee.next_in = input.bindMemory(to: UInt8.self).baseAddress
                stream.pointee.avail_in = UInt32(count)
            }
            if isAtMemberEnd, try !beginNextMember() { continue }
            let result = inflate(stream, Z_NO_FLUSH)
            switch result {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: isAtMemberEnd = true
            default:
                let reason = stream.pointee.msg.map { String(cString: $0) } ?? "error \(result)"
                throw ImageError(.invalidContent, "\(what): the gzip stream is damaged: \(reason)")
            }
        }
        return Int(wanted - stream.pointee.avail_out)
    }

    /// After a member: another one, or padding with zeros, as tapes have it. False: padding was skipped.
    private func beginNextMember() throws(ImageError) -> Bool {
        guard let next = stream.pointee.next_in else { return false }
        if next.pointee == 0 {
            stream.pointee.next_in = next + 1
            stream.pointee.avail_in -= 1
            return false
        }
        guard next.pointee == 0x1f else { throw ImageError(.invalidContent, "\(what): bytes after the gzip stream") }
        inflateReset(stream)
        isAtMemberEnd = false
        return true
    }
}

/// RFC 8878, several frames too.
private final class ZstdSource: ByteSource {
    private let source: any ByteSource
    private let what: String
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private let stream: OpaquePointer
    private var filled = ZSTD_inBuffer()
    private var isAtFrameEnd = false

    init(_ source: any ByteSource, what: String) throws(ImageError) {
        self.source = source
        self.what = what
        guard let stream = ZSTD_createDStream() else { throw ImageError(.storage, "\(what): zstd cannot start") }
        self.stream = stream
        // LIMIT: 128 MiB of window (2^27), what the zstd command takes by default.
        ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, 27)
    }

    deinit {
        ZSTD_freeDStream(stream)
        input.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        while output.pos == 0 {
            if filled.pos == filled.size, !hasPending {
                let count = try source.read(into: input)
                if count == 0 {
                    guard isAtFrameEnd else {
                        throw ImageError(.invalidContent, "\(what): the zstd stream is truncated")
                    }
                    return 0
                }
                filled = ZSTD_inBuffer(src: input.baseAddress, size: count, pos: 0)
            }
            let result = ZSTD_decompressStream(stream, &output, &filled)
            guard ZSTD_isError(result) == 0 else {
                throw ImageError(
                    .invalidContent,
                    "\(what): the zstd stream is damaged: \(String(cString: ZSTD_getErrorName(result)))")
            }
            isAtFrameEnd = result == 0
            // A full output may leave decoded bytes behind even when all input is taken.
            hasPending = output.pos == output.size && result != 0
        }
        return output.pos
    }

    private var hasPending = false
}
