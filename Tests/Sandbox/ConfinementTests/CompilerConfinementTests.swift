// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the list of the compiler's system calls.
import Confinement
import Linux
import TestSupport
import Testing

@Suite struct `The compiler's wall` {
    @Test func `is what the security documentation lists`() throws {
        let text = try Files.readText("\(BuiltProducts.packageRoot)/docs/security/sandbox.md")
        var documented: Set<String> = []
        for line in text.split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.split { $0 == " " }.joined(separator: " ") }
            guard cells.count == 2, cells[0].hasPrefix("`") else { continue }
            documented.insert(cells.joined(separator: "|"))
        }
        let rules = Set(CompilerConfinement.rules.map { "`\($0.name)`|\($0.reason)" })
        #expect(rules.subtracting(documented) == [])
        #expect(documented.subtracting(rules) == [])
    }

    @Test func `lets nothing be opened, started or reached`() {
        // What only gets an error is not executed.
        let names = Set(CompilerConfinement.rules.filter { $0.error == nil }.map { "\($0.name)" })
        for name in ["open", "openat", "openat2", "execve", "clone", "clone3", "fork", "socket", "connect", "ptrace"] {
            #expect(!names.contains(name))
        }
    }
}
