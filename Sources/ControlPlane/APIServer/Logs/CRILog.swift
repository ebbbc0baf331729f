// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the CRI log format: `TIME STREAM TAG MESSAGE`, where tag P means that the line goes on.
//
// See: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
import KubernetesAPI

/// One entry of a CRI log, without its newline.
struct CRILogEntry: Equatable {
    var timestamp: ArraySlice<UInt8>
    /// Whether the line continues in the next entry of the same stream.
    var isPartial: Bool
    var message: ArraySlice<UInt8>

    /// nil for a line that is not in the format; such a line is passed on as it is.
    init?(_ line: ArraySlice<UInt8>) {
        let space = UInt8(ascii: " ")
        guard let first = line.firstIndex(of: space) else { return nil }
        let afterTime = line[(first + 1)...]
        guard let second = afterTime.firstIndex(of: space) else { return nil }
        let stream = afterTime[..<second]
        guard stream.elementsEqual("stdout".utf8) || stream.elementsEqual("stderr".utf8) else { return nil }
        let afterStream = afterTime[(second + 1)...]
        let third = afterStream.firstIndex(of: space) ?? afterStream.endIndex
        timestamp = line[..<first]
        isPartial = afterStream[..<third].first == UInt8(ascii: "P")
        message = third == afterStream.endIndex ? [] : afterStream[(third + 1)...]
    }
}

/// What of a log a client wants to see.
struct LogSelection: Sendable, Equatable {
    var tailLines: Int?
    /// Only entries from this moment on.
    var since: MicroTime?
    var hasTimestamps = false
    /// Bytes after which the answer ends.
    var bytesMax: Int?
}

/// Turns the bytes of CRI log files into what the container wrote.
struct CRILogReader {
    private let selection: LogSelection
    private var pending: [UInt8] = []
    private var isInsideLine = false
    private var remaining: Int

    init(_ selection: LogSelection) {
        self.selection = selection
        remaining = selection.bytesMax ?? Int.max
    }

    /// Whether the limit is reached.
    var isFull: Bool { remaining <= 0 }

    /// Takes the next bytes of the file; returns what of the container's output they complete.
    mutating func read(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        pending.append(contentsOf: bytes)
        var output: [UInt8] = []
        var start = pending.startIndex
        while let newline = pending[start...].firstIndex(of: 0x0A) {
            append(pending[start..<newline], to: &output)
            start = newline + 1
        }
        pending.removeFirst(start)
        if output.count > remaining { output.removeLast(output.count - remaining) }
        remaining -= output.count
        return output
    }

    private mutating func append(_ line: ArraySlice<UInt8>, to output: inout [UInt8]) {
        guard let entry = CRILogEntry(line) else {
            output += line + [0x0A]
            return
        }
        if let since = selection.since, let time = MicroTime(String(decoding: entry.timestamp, as: UTF8.self)),
            time < since
        {
            return
        }
        if selection.hasTimestamps, !isInsideLine { output += entry.timestamp + [0x20] }
        output += entry.message
        isInsideLine = entry.isPartial
        if !entry.isPartial { output.append(0x0A) }
    }

    /// The offset at which the last `count` complete lines of `log` begin.
    static func tailOffset(of log: [UInt8], lines count: Int) -> (offset: Int, found: Int) {
        var found = 0
        var end = log.endIndex
        // A last line without newline is still being written.
        while end > 0, log[end - 1] != 0x0A { end -= 1 }
        while end > 0 {
            let begin = (log[..<(end - 1)].lastIndex(of: 0x0A) ?? -1) + 1
            // Only an entry that ends a line counts; the partial ones before it belong to it.
            if !(CRILogEntry(log[begin..<(end - 1)])?.isPartial ?? false) {
                if found == count { return (end, found) }
                found += 1
            }
            end = begin
        }
        return (0, found)
    }
}
