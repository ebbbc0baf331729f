// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why an installation is not made.

/// What stands in the way, with the file and the line where there is one.
package struct InstallationError: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}
