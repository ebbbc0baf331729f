// SPDX-License-Identifier: Apache-2.0
// Swiftlet: DNS questions and answers (RFC 1035), as much as resolving a host name needs.

/// Reads and writes DNS messages. Answers come from the network and are taken apart with limits and bounds checks.
public enum DNSMessage {
    public enum Answer: Sendable, Equatable {
        /// IPv4 addresses in host byte order; empty: the name exists without any.
        case addresses([UInt32])
        case noSuchName
        /// SERVFAIL, REFUSED and the like: ask another server.
        case failed
    }

    // LIMIT: RFC 1035 §2.3.4.
    static let nameLengthMax = 255
    static let labelLengthMax = 63
    // LIMIT: records looked at in one answer, and addresses taken out of it.
    static let recordCountMax = 64
    static let addressCountMax = 16
    // LIMIT: jumps in one compressed name.
    static let pointerCountMax = 32

    /// A query for the A records of `name`; nil when `name` is no host name.
    public static func query(_ name: String, identifier: UInt16) -> [UInt8]? {
        guard let encoded = encode(name) else { return nil }
        let flags: [UInt8] = [0x01, 0x00]  // recursion desired
        return [UInt8(identifier >> 8), UInt8(identifier & 0xFF)] + flags + [0, 1, 0, 0, 0, 0, 0, 0] + encoded
            + [0, 1, 0, 1]
    }

    /// The answer to `query(name, identifier:)`, or nil for anything else: other messages, malformed ones.
    public static func answer(_ message: [UInt8], to name: String, identifier: UInt16) -> Answer? {
        guard message.count >= 12, let question = encode(name), word(message, 0) == identifier else { return nil }
        let flags = word(message, 2)
        // A response (0x8000) to a standard query (opcode bits 0x7800) with our one question.
        guard flags & 0xF800 == 0x8000, word(message, 4) == 1 else { return nil }
        var offset = 12
        guard let asked = readName(message, &offset), asked == question, offset + 4 <= message.count,
            word(message, offset) == 1, word(message, offset + 2) == 1
        else { return nil }
        offset += 4
        switch flags & 0xF {
        case 0: break
        case 3: return .noSuchName
        default: return .failed
        }
        return addresses(message, from: offset, count: Int(word(message, 6)), name: asked)
    }

    /// Follows aliases in the order in which servers put them.
    private static func addresses(_ message: [UInt8], from start: Int, count: Int, name: [UInt8]) -> Answer? {
        var offset = start
        var wanted = name
        var found: [UInt32] = []
        for _ in 0..<min(count, recordCountMax) {
            // name, type u16, class u16, ttl u32, length u16, data
            guard let owner = readName(message, &offset), offset + 10 <= message.count else { return nil }
            let (type, kind) = (word(message, offset), word(message, offset + 2))
            let length = Int(word(message, offset + 8))
            offset += 10
            guard offset + length <= message.count else { return nil }
            if owner == wanted, kind == 1 {
                if type == 1 {
                    guard length == 4 else { return nil }
                    if found.count < addressCountMax {
                        found.append(message[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) })
                    }
                } else if type == 5 {
                    var target = offset
                    guard let alias = readName(message, &target), target == offset + length else { return nil }
                    wanted = alias
                }
            }
            offset += length
        }
        return .addresses(found)
    }

    /// A name in wire form, lower case: the form in which `readName` returns them.
    private static func encode(_ name: String) -> [UInt8]? {
        var result: [UInt8] = []
        var labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.last?.isEmpty == true, labels.count > 1 { labels.removeLast() }
        for label in labels {
            guard !label.isEmpty, label.count <= labelLengthMax, label.allSatisfy({ $0 > 32 && $0 < 127 }) else {
                return nil
            }
            result.append(UInt8(label.count))
            result += label.map(lowercase)
        }
        result.append(0)
        return result.count <= nameLengthMax ? result : nil
    }

    /// Reads a possibly compressed name and moves `offset` behind it.
    private static func readName(_ message: [UInt8], _ offset: inout Int) -> [UInt8]? {
        var result: [UInt8] = []
        var position = offset
        var end: Int?
        var jumps = 0
        while position < message.count {
            let length = Int(message[position])
            if length == 0 {
                result.append(0)
                offset = end ?? position + 1
                return result.count <= nameLengthMax ? result : nil
            }
            switch length & 0xC0 {
            case 0:
                guard position + 1 + length <= message.count, result.count + 1 + length < nameLengthMax else {
                    return nil
                }
                result.append(UInt8(length))
                result += message[(position + 1)...(position + length)].map(lowercase)
                position += 1 + length
            case 0xC0:
                guard position + 1 < message.count, jumps < pointerCountMax else { return nil }
                jumps += 1
                if end == nil { end = position + 2 }
                position = (length & 0x3F) << 8 | Int(message[position + 1])
            default:
                return nil
            }
        }
        return nil
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func word(_ message: [UInt8], _ offset: Int) -> UInt16 {
        UInt16(message[offset]) << 8 | UInt16(message[offset + 1])
    }
}
