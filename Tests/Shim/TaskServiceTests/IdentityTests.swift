// SPDX-License-Identifier: Apache-2.0
// Swiftlet: whom a shim can make of a sandbox.

import LaunchProtocol
import OCI
import TTRPC
import Testing

import TaskService

@Suite struct `The identity of a sandbox` {
    @Test func `is the process's for root, and unchanged where it is the same`() throws {
        let found = try RequestedIdentity.identity(uid: 1000, gid: 0, user: 0, group: 0)
        #expect(found == Identity(user: 1000, group: nil))
    }

    @Test(arguments: [(0, 0), (1000, 100), (0, 100)] as [(UInt32, UInt32)])
    func `is the user's own without root`(uid: UInt32, gid: UInt32) throws {
        #expect(try RequestedIdentity.identity(uid: uid, gid: gid, user: 1000, group: 100) == Identity())
    }

    @Test(arguments: [(33, 0, "uid"), (0, 33, "gid")] as [(UInt32, UInt32, String)])
    func `of somebody else is refused without root, by field`(uid: UInt32, gid: UInt32, field: String) {
        let status = #expect(throws: Status.self) {
            try RequestedIdentity.identity(uid: uid, gid: gid, user: 1000, group: 100)
        }
        #expect(status?.message.contains("process.user.\(field): expected 0 or 100") == true)
        #expect(status?.message.contains("found 33") == true)
    }
}
