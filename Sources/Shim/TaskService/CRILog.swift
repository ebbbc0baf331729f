// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the log format of the container runtime interface.
import Glibc

/// Which of the guest's outputs.
public enum LogStream: String, Sendable, Equatable {
    case stdout
    case stderr
}

/// One line: `TIME STREAM TAG CONTENT`, tag `F` for a full line and `P` for a part of one that goes on.
///
/// See: kubernetes/design-proposals "CRI: log management for container stdout/stderr streams".
package enum CRILine {
    /// LIMIT: content bytes per line.
    package static let contentBytesMax = 16 << 10

    static func encode(
        _ content: ArraySlice<UInt8>, stream: LogStream, isPartial: Bool, now: CivilTime = .now
    ) -> [UInt8] {
        var line = now.bytes(hasFraction: true)
        line.reserveCapacity(line.count + content.count + 12)
        line.append(UInt8(ascii: " "))
        line += stream.rawValue.utf8
        line += (isPartial ? " P " : " F ").utf8
        line += content
        line.append(UInt8(ascii: "\n"))
        return line
    }
}

extension CivilTime {
    public static var now: CivilTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return CivilTime(nanosecondsSince1970: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}

/// Cuts a stream of bytes into lines of a log file.
public struct CRILogWriter {
    private let file: LogFile
    private let stream: LogStream
    /// The line that has not ended; below `CRILine.contentBytesMax`.
    private var pending: [UInt8] = []

    public init(file: LogFile, stream: LogStream) {
        self.file = file
        self.stream = stream
    }

    public mutating func write(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            add(rest[..<end])
            emit(isPartial: false)
            rest = rest[(end + 1)...]
        }
        add(rest)
    }

    /// The stream has ended; what is left is a line, too.
    public mutating func finish() {
        if !pending.isEmpty { emit(isPartial: false) }
    }

    private mutating func add(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        // A line of exactly the limit is whole: it is cut only when more comes.
        while pending.count + rest.count > CRILine.contentBytesMax {
            let count = CRILine.contentBytesMax - pending.count
            pending += rest.prefix(count)
            rest = rest.dropFirst(count)
            emit(isPartial: true)
        }
        pending += rest
    }

    private mutating func emit(isPartial: Bool) {
        file.append(CRILine.encode(pending[...], stream: stream, isPartial: isPartial), stream: stream)
        pending.removeAll(keepingCapacity: pending.capacity <= 1024)
    }
}
