// SPDX-License-Identifier: Apache-2.0
// Swiftlet: delete: everything of a container goes, whatever state it was left in.
internal import Glibc
internal import Linux
internal import OCI
internal import TaskService
internal import Workload

struct Removal {
    private let runtime: OCIRuntime
    private let container: StoredContainer

    init(_ runtime: OCIRuntime, _ container: StoredContainer) {
        self.runtime = runtime
        self.container = container
    }

    func perform(isForced: Bool) throws(RuntimeFailure) {
        _ = try runtime.arguments.onlyContainerID()
        try RuntimeFailure.translating { try container.lock() }
        let record: ContainerRecord
        do throws(RuntimeFailure) { record = try container.record() } catch {
            // Damaged, or deleted by somebody else while we waited for the lock.
            guard isForced || !runtime.store.exists(container.id) else { throw error }
            return runtime.store.remove(container)
        }
        let status = container.status(record, isLocked: true)
        if !isForced, status == .running || status == .paused {
            throw RuntimeFailure("cannot delete container \(record.id) that is not stopped: \(status.rawValue)")
        }
        destroy(record)
        runtime.store.sweep(record.id)
    }

    /// Kills what runs, runs the poststop hooks and removes what is left. Nothing here stops half-way: what cannot be
    /// done is logged.
    func destroy(_ record: ContainerRecord) {
        killAll(record)
        if let hooks = try? runtime.spec(of: container).hooks, !hooks[.poststop].isEmpty {
            let runner = HookRunner(hooks: hooks, bundle: record.bundle)
            do throws(RuntimeFailure) { try runner.run(.poststop, state: record.stateJSON(.stopped)) } catch {
                runtime.log.warning(error.description)
            }
        }
        runtime.store.remove(container)
    }

    private func killAll(_ record: ContainerRecord) {
        if let process = record.process {
            _ = try? process.signal(SIGKILL)
        } else {
            // A create was killed before it could write down its process: that one waits at the socket, and leaves
            // when it hears that nobody will start it.
            _ = try? DetachedControl.connect(StoredContainer.controlName, in: container.descriptor.rawValue)
        }
        if let path = record.cgroupPath {
            do throws(SystemError) {
                try Leftovers(cgroupPath: path).clean(timeoutMilliseconds: 5000)
            } catch { runtime.log.warning("cgroup \(path): \(error)") }
            CGroupParents.removeEmpty(above: path)
        }
        if let process = record.process, !process.waitForEnd(timeoutMilliseconds: 5000) {
            runtime.log.warning("process \(process.processIdentifier) does not end")
        }
    }
}
