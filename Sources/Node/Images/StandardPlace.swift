// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where a machine or a user keeps images.

import Glibc

extension ContentStore {
    /// `SWIFTLET_IMAGES`; else `/var/lib/swiftlet/images` for root and `~/.local/share/swiftlet/images` for others, the
    /// same for every command and every node of a machine.
    public static func standardRoot(_ environment: [String: String]) -> String {
        if let path = environment["SWIFTLET_IMAGES"], !path.isEmpty { return path }
        if geteuid() == 0 { return "/var/lib/swiftlet/images" }
        if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return "\(data)/swiftlet/images" }
        if let home = environment["HOME"], home.hasPrefix("/") { return "\(home)/.local/share/swiftlet/images" }
        return "/tmp/swiftlet-images-\(geteuid())"
    }
}
