// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why a command of the runtime has failed.
internal import Linux
internal import TTRPC
internal import Workload

/// A failure with the text for the log and stderr, and the exit code.
package struct RuntimeFailure: Error, Equatable, CustomStringConvertible {
    package var description: String
    /// 1, as runc has it; 255 for an exec.
    package var exitCode: Int32 = 1

    package init(_ description: String, exitCode: Int32 = 1) {
        self.description = description
        self.exitCode = exitCode
    }

    /// Runs `body` with every error of the layers below turned into a failure.
    static func translating<Result: ~Copyable>(
        _ doing: String = "", _ body: () throws -> Result
    ) throws(RuntimeFailure) -> Result {
        do { return try body() } catch let failure as RuntimeFailure {
            throw failure
        } catch let status as Status {
            throw RuntimeFailure(doing.isEmpty ? status.message : "\(doing): \(status.message)")
        } catch { throw RuntimeFailure(doing.isEmpty ? "\(error)" : "\(doing): \(error)") }
    }
}
