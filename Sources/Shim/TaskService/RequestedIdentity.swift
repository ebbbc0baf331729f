// SPDX-License-Identifier: Apache-2.0
// Swiftlet: whom `process.user` of a bundle can make of a sandbox.
import Glibc
package import LaunchProtocol
package import TTRPC

/// Who a sandbox becomes. Without root nobody can become anybody else: the image's root is then the user who runs it, as
/// in every rootless runtime, and other identities are refused.
package enum RequestedIdentity {
    package static func identity(
        uid: UInt32, gid: UInt32, user: UInt32 = geteuid(), group: UInt32 = getegid()
    ) throws(Status) -> Identity {
        func change(_ id: UInt32, _ own: UInt32, _ name: String) throws(Status) -> UInt32? {
            if id == own || (user != 0 && id == 0) { return nil }
            guard user == 0 else {
                throw Status(
                    .failedPrecondition,
                    "process.user.\(name): expected 0 or \(own), as user \(user) is not root, found \(id)")
            }
            return id
        }
        return Identity(user: try change(uid, user, "uid"), group: try change(gid, group, "gid"))
    }
}
