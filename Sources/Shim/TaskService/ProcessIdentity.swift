// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the events of one process.
import TaskAPI

/// Tells containerd how a process of a container fares. A process has its number only when it is there, and may start
/// and end only after that.
final class ProcessIdentity {
    private let container: String
    /// Empty: the container's own process.
    private let exec: String
    private let publish: (TaskEvent) -> Void
    weak var process: TaskProcess?

    init(container: String, exec: String = "", publish: @escaping (TaskEvent) -> Void) {
        self.container = container
        self.exec = exec
        self.publish = publish
    }

    private var pid: UInt32 { process?.pid ?? 0 }

    func noteStart() {
        publish(exec.isEmpty ? .start(id: container, pid: pid) : .execStarted(id: container, exec: exec, pid: pid))
    }

    func noteEnd(_ record: ExitRecord) {
        // There never was a process.
        guard pid != 0 else { return }
        // Before the exit: CRI takes the reason from it.
        if record.reason == "OOMKilled" { publish(.outOfMemory(id: container)) }
        publish(
            .exit(
                id: container, process: exec.isEmpty ? container : exec, pid: pid, status: record.exitStatus,
                at: record.timestamp))
    }
}
