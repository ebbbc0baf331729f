// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the values of `swiftlet run`'s options, from the words of a command line.

import Glibc
import LaunchProtocol
import Linux

/// `HOST[:GUEST[:ro]]`.
package struct RunDirectory: Equatable {
    package var host: String
    package var guest: String
    package var isReadOnly: Bool

    package init?(argument: String) {
        var parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        isReadOnly = parts.count > 1 && parts.last == "ro"
        if isReadOnly { parts.removeLast() }
        guard (1...2).contains(parts.count), let first = parts.first, let last = parts.last else { return nil }
        guard !first.isEmpty, !last.isEmpty else { return nil }
        host = first
        guest = last
    }
}

/// `NAME=VALUE`.
package struct RunVariable: Equatable {
    package var text: String

    package init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        text = argument
    }
}

package enum RunEngine: String, CaseIterable {
    case interpreter, aot, auto

    var choice: EngineChoice {
        switch self {
        case .interpreter: .interpreter
        case .aot: .aot
        case .auto: .auto
        }
    }
}

/// A number of bytes with the suffixes of Kubernetes: `128Mi`, `1G`, `65536`.
package struct RunBytes: Equatable {
    package var count: UInt64

    package init?(argument: String) {
        let digits = argument.prefix { $0.isNumber && $0.isASCII }
        let factors: [String: UInt64] = [
            "": 1, "k": 1000, "M": 1_000_000, "G": 1_000_000_000, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30,
        ]
        guard let number = UInt64(digits), let factor = factors[String(argument.dropFirst(digits.count))] else {
            return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        // LIMIT: what the kernel's counters hold; below a page no process starts.
        guard !overflow, product >= 4096, product < 1 << 62 else { return nil }
        count = product
    }
}

/// A number of instructions, at least 1.
package struct RunFuel: Equatable {
    package var count: UInt64

    package init?(argument: String) {
        guard argument.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = UInt64(argument), count > 0 else {
            return nil
        }
        self.count = count
    }
}

/// A number of CPUs: `0.5`, `2`, `250m`.
package struct RunProcessors: Equatable {
    package var quotaMicroseconds: UInt64

    package init?(argument: String) {
        let number = argument.hasSuffix("m") ? Double(argument.dropLast()).map { $0 / 1000 } : Double(argument)
        // The kernel's smallest quota is 1 ms of 100 ms.
        guard let number, number.isFinite, number >= 0.01, number <= 10_000 else { return nil }
        quotaMicroseconds = UInt64(number * 100_000)
    }
}

/// `500ms`, `30s`, `2m`, `1h`; a number alone is seconds.
package struct RunDuration: Equatable, CustomStringConvertible {
    package var milliseconds: UInt64

    package init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    package init?(argument: String) {
        let digits = argument.prefix { $0.isNumber && $0.isASCII || $0 == "." }
        let factors: [String: Double] = ["": 1000, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
        guard let number = Double(digits), let factor = factors[String(argument.dropFirst(digits.count))] else {
            return nil
        }
        guard number >= 0, number * factor <= 1e12 else { return nil }
        milliseconds = UInt64(number * factor)
    }

    package var description: String { "\(milliseconds / 1000)s" }
}

/// `ADDRESS:PORT`, IPv4 in numbers; an empty address is all of them.
package struct RunAddress: Equatable {
    package var text: String
    package var address: UInt32
    package var port: UInt16

    package init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), let port = UInt16(argument[argument.index(after: colon)...])
        else { return nil }
        guard let address = Self.parse(argument[..<colon]) else { return nil }
        (text, self.address, self.port) = (argument, address, port)
    }

    /// In host byte order.
    static func parse(_ text: Substring) -> UInt32? {
        if text.isEmpty { return 0 }
        var address = in_addr()
        guard inet_pton(AF_INET, String(text), &address) == 1 else { return nil }
        return UInt32(bigEndian: address.s_addr)
    }

    /// A listening socket.
    func listen() throws(SystemError) -> OwnedDescriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let number = socket(AF_INET, type, 0)
        guard number >= 0 else { throw SystemError(call: "socket", path: text, errno: .current) }
        let descriptor = OwnedDescriptor(owning: number)
        var one: Int32 = 1
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = address.bigEndian
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, 16) }
        }
        guard bound == 0 else { throw SystemError(call: "bind", path: text, errno: .current) }
        guard Glibc.listen(number, 1024) == 0 else { throw SystemError(call: "listen", path: text, errno: .current) }
        return descriptor
    }
}

extension NetworkGrant {
    /// Sockets, and names as this machine resolves them: /etc/hosts and the name servers of /etc/resolv.conf (IPv4).
    mutating func allowEverything() {
        isAllowed = true
        for line in lines("/etc/hosts") {
            guard let first = line.first, let address = RunAddress.parse(first) else { continue }
            hosts += line.dropFirst().map { HostEntry(name: String($0), address: address) }
        }
        for line in lines("/etc/resolv.conf") where line.count == 2 && line[0] == "nameserver" {
            if let address = RunAddress.parse(line[1]) { nameServers.append(address) }
        }
    }

    /// The words of each line, without comments; no file, no lines.
    private func lines(_ path: String) -> [[Substring]] {
        guard let text = try? Files.readText(path) else { return [] }
        return text.split(separator: "\n").map { line in
            line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
        }
    }
}
