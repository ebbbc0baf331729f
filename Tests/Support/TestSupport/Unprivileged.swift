// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: programs run by a user without rights.

import Glibc

/// Drops the test's rights for a program: user 65534 has no groups, no capabilities and no home.
public enum Unprivileged {
    public static let user: UInt32 = 65534

    /// What to put before a command line. Nothing, when the tests have no rights themselves.
    public static let command: [String] =
        geteuid() == 0
        ? [
            "/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
            "/usr/bin/env", "-u", "XDG_RUNTIME_DIR", "HOME=/nonexistent",
        ] : ["/usr/bin/env"]

    public static let requirements = "needs setpriv, and built programs that user 65534 may read"

    /// Whether that user may run a built program.
    public static func canRun(_ path: String) -> Bool {
        guard access(path, X_OK) == 0, access("/usr/bin/setpriv", X_OK) == 0 else { return false }
        return (try? Program.run(command[0], command.dropFirst() + ["/usr/bin/test", "-x", path]))?.status.code == 0
    }

    /// Whether the kernel and its administrator let that user have user namespaces that are worth something.
    public static let hasUserNamespaces: Bool =
        (try? Program.run(
            command[0], command.dropFirst() + ["/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/true"]))?
        .status.code == 0
}
