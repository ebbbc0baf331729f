// SPDX-License-Identifier: Apache-2.0
// Swiftlet: hosts(5) and resolv.conf(5), for guests that look names up without such files.
package import LaunchProtocol
import OCI

/// Reads the IPv4 part of both files; what is no IPv4 address is skipped, as a resolver does with families it lacks.
package enum NameFiles {
    /// LIMIT: entries taken from one file.
    private static let countMax = 1024

    package static func hosts(_ text: String) -> [HostEntry] {
        var entries: [HostEntry] = []
        for words in lines(text) {
            guard let first = words.first, let address = SandboxAnnotations.address(first) else { continue }
            for name in words.dropFirst() where entries.count < countMax && name.utf8.count < 256 {
                entries.append(HostEntry(name: name, address: address))
            }
        }
        return entries
    }

    /// At most three, as resolv.conf(5) has it.
    package static func nameServers(_ text: String) -> [UInt32] {
        let servers = lines(text).compactMap { words in
            words.count > 1 && words[0] == "nameserver" ? SandboxAnnotations.address(words[1]) : nil
        }
        return Array(servers.prefix(3))
    }

    private static func lines(_ text: String) -> [[String]] {
        text.split { $0 == "\n" || $0 == "\r\n" }.map { line in
            line.prefix { $0 != "#" && $0 != ";" }.split { $0 == " " || $0 == "\t" }.map(String.init)
        }
    }
}
