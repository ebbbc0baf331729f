// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a bundle, read and understood.
import Glibc
import Linux
package import OCI
package import TTRPC
import Workload

/// A folder with a config.json.
package struct Bundle {
    package var path: String
    package var spec: RuntimeSpec
    package var process: ProcessSpec
    package var annotations: SandboxAnnotations
    package var resources: ResourcesSpec
    /// Absolute path of the root file system, if it is there and has something in it.
    package let rootPath: String?

    package init(path: String, configName: String = "config.json") throws(Status) {
        self.path = path
        let config = configName.hasPrefix("/") ? configName : "\(path)/\(configName)"
        let bytes: [UInt8]
        do { bytes = try Files.read(config, limit: 4 << 20) } catch {
            throw Status(.invalidArgument, "bundle \(path): \(error)")
        }
        do { spec = try RuntimeSpec(parsing: bytes) } catch {
            throw Status(.invalidArgument, "\(config): \(error)")
        }
        do { annotations = try SandboxAnnotations(spec.annotations) } catch {
            throw Status(.invalidArgument, "\(config): \(error)")
        }
        guard let process = spec.process else {
            throw Status(.invalidArgument, "\(config): process: is missing")
        }
        self.process = process
        resources = spec.linux?.resources ?? ResourcesSpec()
        rootPath = spec.root.flatMap { Self.rootPath($0, path) }
    }

    private static func rootPath(_ root: RootSpec, _ bundle: String) -> String? {
        let absolute = root.path.hasPrefix("/") ? root.path : "\(bundle)/\(root.path)"
        guard let names = try? Files.names(in: absolute), !names.isEmpty else { return nil }
        return absolute
    }

    package var resolver: ModuleResolver { ModuleResolver(rootPath: rootPath, modulePath: annotations.module) }

    /// Path of the cgroup below the mounts, without a leading slash; nil when config.json names none.
    package func cgroupPath() throws(Status) -> String? {
        guard let path = spec.linux?.cgroupsPath, !path.isEmpty else { return nil }
        do { return try CGroupsPath(parsing: path).relativePath } catch {
            throw Status(.invalidArgument, "\(error)")
        }
    }

    /// Whether a guest or a native program is to run.
    package func entrypointKind() throws(Status) -> EntrypointKind {
        try EntrypointKind(spec.annotations, process: process, resolver: resolver)
    }
}

/// What the entrypoint of a container is.
package enum EntrypointKind: Sendable, Equatable {
    case wasm
    /// An ELF program, a script, or the pause container of a pod.
    case native

    /// Handlers that other runtimes know by name and that mean "this is Wasm" (crun(1), run.oci.handler).
    package static let wasmHandlers: Set<String> = ["wasm", "wasmtime", "wasmedge", "wasmer", "wamr", "swiftlet"]

    /// Annotations decide first, then the name where they ask for it, then the first bytes of the file. A file that is
    /// not there is a module that is not there.
    init(_ annotations: [String: String], process: ProcessSpec, resolver: ModuleResolver) throws(Status) {
        for key in ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"]
        where annotations[key] == "sandbox" {
            self = .native
            return
        }
        self = .wasm
        if resolver.modulePath != nil { return }
        switch (annotations["run.oci.handler"], annotations["module.wasm.image/variant"]) {
        case (let handler?, _) where Self.wasmHandlers.contains(handler): return
        case ("wasm-smart"?, _), (nil, "compat-smart"?): break
        case (nil, "compat"?): return
        case (let handler?, _):
            throw Status(
                .invalidArgument,
                "annotations[\"run.oci.handler\"]: expected wasm, wasm-smart or a Wasm engine's name, found \"\(handler)\""
            )
        case (nil, let variant?):
            throw Status(
                .invalidArgument,
                "annotations[\"module.wasm.image/variant\"]: expected compat or compat-smart, found \"\(variant)\"")
        case (nil, nil): break
        }
        guard let head = resolver.head(of: process) else { return }
        if head == [0x7f, 0x45, 0x4c, 0x46] || head.starts(with: [0x23, 0x21]) { self = .native }
    }
}

extension ResourceLimits {
    package init(_ resources: ResourcesSpec) {
        func positive(_ value: Int64?) -> UInt64? { value.flatMap { $0 > 0 ? UInt64($0) : nil } }
        self.init(
            memoryBytes: positive(resources.memoryLimitBytes),
            cpuQuotaMicroseconds: positive(resources.cpuQuotaMicroseconds),
            cpuPeriodMicroseconds: resources.cpuPeriodMicroseconds.flatMap { $0 > 0 ? $0 : nil } ?? 100_000,
            cpuShares: resources.cpuShares.flatMap { $0 > 0 ? $0 : nil }, processes: positive(resources.pidsLimit))
    }
}
