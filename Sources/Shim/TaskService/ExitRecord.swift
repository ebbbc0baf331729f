// SPDX-License-Identifier: Apache-2.0
// Swiftlet: exit.json: how a container ended, for whoever looks later.
import Glibc
import OCI
import Workload

/// `BUNDLE/exit.json`. Written before Wait answers, and for a container that could not be made at all.
///
/// It survives the shim: a node that comes back reads it where Wait can no longer be asked.
struct ExitRecord: Equatable {
    static let fileName = "exit.json"

    var exitCode: Int32
    /// 0: none.
    var signal: Int32
    /// `Completed`, `Error`, `Trapped`, `OOMKilled` or `StartError`.
    var reason: String
    var message: String
    /// nil when the guest never ran.
    var startedAt: CivilTime?
    var finishedAt: CivilTime

    init(_ exit: WorkloadExit) {
        exitCode = exit.code
        signal = exit.signal ?? 0
        reason = exit.reason.rawValue
        message = exit.message
        startedAt = exit.startedAtNanoseconds.map { CivilTime(nanosecondsSince1970: $0) }
        finishedAt = CivilTime(nanosecondsSince1970: exit.finishedAtNanoseconds)
    }

    init(exitCode: Int32, signal: Int32 = 0, reason: String, message: String) {
        self.exitCode = exitCode
        self.signal = signal
        self.reason = reason
        self.message = message
        self.finishedAt = .now
    }

    var json: JSON {
        .members([
            ("exitCode", .integer(exitCode)), ("signal", .integer(signal)), ("reason", .string(reason)),
            ("message", .string(message)), ("startedAt", startedAt.map { .string($0.rfc3339Nano) }),
            ("finishedAt", .string(finishedAt.rfc3339Nano)),
        ])
    }

    /// Whole or not at all: a new file takes the name. A bundle that is gone, or a full disk, is no reason to fail: the
    /// Task API still has the answer.
    @discardableResult
    func write(toBundle bundle: String) -> Bool {
        let path = "\(bundle)/\(Self.fileName)"
        let temporary = "\(path).new"
        let bytes = json.bytes + [UInt8(ascii: "\n")]
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { return false }
        let isWhole = Glibc.write(descriptor, bytes, bytes.count) == bytes.count
        close(descriptor)
        guard isWhole, rename(temporary, path) == 0 else {
            unlink(temporary)
            return false
        }
        return true
    }
}
