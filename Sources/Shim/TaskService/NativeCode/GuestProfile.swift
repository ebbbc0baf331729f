// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where a guest spends its time, as its sandbox says in the bundle.

import LaunchProtocol
import Linux
package import NativeCache

/// `BUNDLE/profile`, a ``LaunchProtocol/ProfileBuffer``: there while a guest runs that has no native code.
package enum GuestProfile {
    package static func path(_ bundle: String) -> String { "\(bundle)/profile" }

    /// Whether enough is known to begin with what is hot.
    package static func isRich(_ path: String) -> Bool {
        ((try? ProfileBuffer.read(at: path))?.sampleCount ?? 0) >= BackgroundPlan.samplesWanted
    }

    /// The steps in which the module is compiled, as far as the profile tells now.
    package static func requests(_ base: CompileRequest, moduleBytes: Int, profile path: String) -> [CompileRequest] {
        let profile = (try? ProfileBuffer.read(at: path)) ?? FunctionProfile()
        return BackgroundPlan.requests(
            base, moduleBytes: moduleBytes, hot: Array(profile.hottest(share: BackgroundPlan.hotShare)),
            sampleCount: profile.sampleCount)
    }
}
