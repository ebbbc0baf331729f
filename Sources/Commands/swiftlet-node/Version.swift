// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what `swiftlet --version` and the API's `/version` say.

enum Version {
    static let number = "0.1.0"
}
