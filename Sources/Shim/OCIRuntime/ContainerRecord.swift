// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what is remembered of a container.
package import Linux
internal import OCI
internal import TaskService

/// `state.json` of a container's folder.
package struct ContainerRecord: Sendable, Equatable {
    package var id: String
    package var bundle: String
    package var rootfs: String
    /// Below the cgroup mounts; nil: the container has none.
    package var cgroupPath: String?
    package var annotations: [String: String]
    package var owner: UInt32
    package var createdAtNanoseconds: UInt64
    /// nil while the container is being made.
    package var process: ProcessReference?

    var json: JSON {
        .members([
            ("id", .string(id)), ("bundle", .string(bundle)), ("rootfs", .string(rootfs)),
            ("cgroupPath", cgroupPath.map { .string($0) }),
            ("annotations", .object(annotations.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })),
            ("owner", .integer(owner)), ("created", .integer(createdAtNanoseconds)),
            ("pid", process.map { .integer($0.processIdentifier) }),
            ("startTime", process.map { .integer($0.startTime) }),
        ])
    }

    /// nil for anything that `json` has not written.
    init?(_ json: JSON) {
        func text(_ name: String) -> String? {
            if case .string(let text)? = json[name] { text } else { nil }
        }
        func number<Value: FixedWidthInteger>(_ name: String, _ type: Value.Type) -> Value? {
            if case .number(let text)? = json[name] { Value(text) } else { nil }
        }
        guard let id = text("id"), let bundle = text("bundle"), let rootfs = text("rootfs"),
            let owner = number("owner", UInt32.self), let created = number("created", UInt64.self),
            case .object(let members)? = json["annotations"]
        else { return nil }
        self.id = id
        self.bundle = bundle
        self.rootfs = rootfs
        self.owner = owner
        createdAtNanoseconds = created
        cgroupPath = text("cgroupPath")
        annotations = [:]
        for member in members {
            if case .string(let value) = member.value { annotations[member.name] = value }
        }
        if let pid = number("pid", Int32.self), let time = number("startTime", UInt64.self) {
            process = ProcessReference(processIdentifier: pid, startTime: time)
        }
    }

    package init(
        id: String, bundle: String, rootfs: String, cgroupPath: String?, annotations: [String: String], owner: UInt32,
        createdAtNanoseconds: UInt64
    ) {
        self.id = id
        self.bundle = bundle
        self.rootfs = rootfs
        self.cgroupPath = cgroupPath
        self.annotations = annotations
        self.owner = owner
        self.createdAtNanoseconds = createdAtNanoseconds
    }
}

/// `status` of the state, by the runtime specification's names and runc's `paused`.
package enum ContainerStatus: String, Sendable {
    case creating, created, running, paused, stopped
}

extension ContainerRecord {
    /// The state that `state` prints and hooks read.
    func stateJSON(_ status: ContainerStatus) -> JSON {
        let created = CivilTime(nanosecondsSince1970: createdAtNanoseconds)
        let pid = status == .stopped ? 0 : process?.processIdentifier ?? 0
        return .members([
            ("ociVersion", .string(OCIRuntime.specVersion)), ("id", .string(id)), ("pid", .integer(pid)),
            ("status", .string(status.rawValue)), ("bundle", .string(bundle)), ("rootfs", .string(rootfs)),
            ("created", .string(created.rfc3339Nano)),
            (
                "annotations",
                annotations.isEmpty
                    ? nil : .object(annotations.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
            ),
            ("owner", .string(owner == 0 ? "root" : "\(owner)")),
        ])
    }
}
