// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the folder of all containers of a root.
internal import Glibc
internal import Linux
internal import OCI
internal import TaskService

/// `ROOT/wasm/ID` for every container here, and `ROOT/native` for those that runc has.
///
/// A container's folder takes its name when it has a record, and loses it before anything of it is removed, each by
/// rename(2): whatever is killed when, the name stands for a container that can be deleted, or for nothing.
package struct ContainerStore: Sendable {
    let root: String

    package init(root: String) { self.root = root }

    /// `/run/swiftlet-oci`; below XDG_RUNTIME_DIR for others than root.
    package static func defaultRoot() -> String {
        if geteuid() == 0 { return "/run/swiftlet-oci" }
        if let directory = getenv("XDG_RUNTIME_DIR") { return "\(String(cString: directory))/swiftlet-oci" }
        return "/tmp/swiftlet-oci-\(geteuid())"
    }

    var directory: String { "\(root)/wasm" }
    var nativeRoot: String { "\(root)/native" }

    /// Whether runc has a container of that name.
    func hasNative(_ id: String) -> Bool { Files.exists("\(nativeRoot)/\(id)") }

    func exists(_ id: String) -> Bool { Files.exists("\(directory)/\(id)") }

    /// The container; nil when there is none.
    func find(_ id: String) throws(RuntimeFailure) -> StoredContainer? {
        do { return try StoredContainer(path: "\(directory)/\(id)", id: id) } catch {
            if error.errno == .noSuchFile || error.errno == .notDirectory { return nil }
            throw RuntimeFailure("container \(id): \(error)")
        }
    }

    func ids() -> [String] {
        ((try? Files.names(in: directory)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    /// Makes the folder of a new container, which nobody finds before `publish`, and locks it.
    func make(_ id: String) throws(RuntimeFailure) -> StoredContainer {
        guard !exists(id), !hasNative(id) else { throw RuntimeFailure("container with id exists: \(id)") }
        sweep(id)
        return try RuntimeFailure.translating("container \(id)") {
            try Self.makeDirectories(directory)
            let path = "\(directory)/.\(id).\(getpid())"
            try Files.makeDirectory(path, mode: 0o700)
            let container = try StoredContainer(path: path, id: id)
            try container.lock()
            return container
        }
    }

    /// Gives the folder its name.
    func publish(_ container: StoredContainer) throws(RuntimeFailure) {
        let path = "\(directory)/\(container.id)"
        // A folder with a record in it is not replaced: rename(2).
        guard rename(container.path, path) == 0 else {
            let error = Errno.current
            if error == .directoryNotEmpty || error == .fileExists {
                throw RuntimeFailure("container with id exists: \(container.id)")
            }
            throw RuntimeFailure("container \(container.id): rename to \(path): \(error)")
        }
        container.path = path
    }

    /// Takes the name away and removes the folder.
    func remove(_ container: StoredContainer) {
        let path = "\(directory)/.\(container.id).\(getpid())"
        if container.path != path, rename(container.path, path) == 0 { container.path = path }
        removeTree(container.path)
    }

    /// Removes folders of the container that lost, or never got, their name because somebody was killed.
    func sweep(_ id: String) {
        for name in (try? Files.names(in: directory)) ?? [] where name.hasPrefix(".\(id).") {
            // Another container's name may go on after a dot; a process number has digits only.
            guard pid_t(name.dropFirst(id.utf8.count + 2)) != nil,
                let leftover = try? StoredContainer(path: "\(directory)/\(name)", id: id), leftover.tryLock()
            else { continue }
            removeTree(leftover.path)
        }
    }

    static func makeDirectories(_ path: String) throws(SystemError) {
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += "/\(part)"
            if !Files.exists(prefix) { try Files.makeDirectory(prefix, mode: 0o711) }
        }
    }
}

/// One container's folder.
final class StoredContainer {
    let id: String
    /// Changes when the folder is renamed.
    var path: String
    /// The folder, open: what is below it is found whatever it is called.
    let descriptor: OwnedDescriptor

    static let recordName = "state.json"
    static let launchName = "launch"
    static let controlName = "control"
    static let configName = "config.json"

    init(path: String, id: String) throws(SystemError) {
        self.path = path
        self.id = id
        descriptor = try Files.open(path, O_RDONLY | O_DIRECTORY)
    }

    /// Waits until nobody else creates, starts or deletes the container.
    func lock() throws(SystemError) {
        while flock(descriptor.rawValue, LOCK_EX) != 0 {
            let error = Errno.current
            guard error == .interrupted else { throw SystemError(call: "flock", path: path, errno: error) }
        }
    }

    func tryLock() -> Bool { flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 }

    // MARK: - Files

    /// Whole or not at all.
    func write(_ bytes: [UInt8], to name: String) throws(SystemError) {
        let temporary = "\(path)/.\(name)"
        let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try Descriptors.writeAll(file.rawValue, bytes)
        guard rename(temporary, "\(path)/\(name)") == 0 else {
            throw SystemError(call: "rename", path: "\(path)/\(name)", errno: .current)
        }
    }

    func write(_ record: ContainerRecord) throws(SystemError) {
        try write(record.json.bytes, to: Self.recordName)
    }

    func record() throws(RuntimeFailure) -> ContainerRecord {
        let file = "\(path)/\(Self.recordName)"
        let bytes: [UInt8]
        do { bytes = try Files.read(file, limit: 8 << 20) } catch { throw RuntimeFailure("container \(id): \(error)") }
        guard let json = try? JSON(parsing: bytes, limits: JSONLimits(bytes: 8 << 20)),
            let record = ContainerRecord(json)
        else { throw RuntimeFailure("container \(id): \(file) is damaged") }
        return record
    }

    /// Whether `start` has not begun.
    var isUnstarted: Bool { Files.exists("\(path)/\(Self.launchName)") }

    /// - Parameter isLocked: whether the caller has the lock, so that nobody can be making the container now.
    func status(_ record: ContainerRecord, isLocked: Bool = false) -> ContainerStatus {
        guard let process = record.process else { return isLocked || tryLockBriefly() ? .stopped : .creating }
        switch process.condition {
        case .ended: return .stopped
        case .stopped: return .paused
        case .running: return isUnstarted ? .created : .running
        }
    }

    private func tryLockBriefly() -> Bool {
        guard tryLock() else { return false }
        flock(descriptor.rawValue, LOCK_UN)
        return true
    }
}
