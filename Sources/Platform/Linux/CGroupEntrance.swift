// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how a new process gets into its cgroup without a wait.

internal import Glibc

/// The open doors of one group, through which `ChildProcess.spawn` sends a process before it is another program.
///
/// Moving a process that runs makes the kernel wait for a moment in which no processor forks or execs: milliseconds, more
/// than the whole start of a sandbox. A thread that moves itself (version 1) or is born in the group (version 2) is not
/// waited for. The program's own memory is accounted from its first page, too.
public final class CGroupEntrance: Sendable {
    /// `tasks` of each of version 1's hierarchies.
    let tasks: [Int32]
    /// Directory of a version 2 group; -1: none.
    let unified: Int32

    package init(tasks: [Int32] = [], unified: Int32 = -1) {
        self.tasks = tasks
        self.unified = unified
    }

    deinit { for descriptor in tasks + [unified] where descriptor >= 0 { close(descriptor) } }
}

extension CGroup {
    /// Opens the group's doors, in each hierarchy in which it exists.
    public func entrance() throws(SystemError) -> CGroupEntrance {
        if mounts.isUnified, let directory = directory(of: "memory") {
            return CGroupEntrance(unified: try Files.open(directory, O_RDONLY | O_DIRECTORY).release())
        }
        var tasks: [Int32] = []
        do throws(SystemError) {
            for directory in existingDirectories() {
                tasks.append(try Files.open("\(directory)/tasks", O_WRONLY).release())
            }
        } catch {
            for descriptor in tasks { close(descriptor) }
            throw error
        }
        return CGroupEntrance(tasks: tasks)
    }
}
