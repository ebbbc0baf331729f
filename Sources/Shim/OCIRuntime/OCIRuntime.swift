// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the OCI runtime's commands.
internal import Glibc
internal import Linux
internal import OCI
internal import Workload

/// One invocation of `swiftlet-oci`.
package struct OCIRuntime {
    /// The runtime specification's version that `state` and `features` name.
    package static let specVersion = "1.1.0"
    package static let version = "0.1.0"

    let arguments: RuntimeArguments
    let store: ContainerStore
    let log: RuntimeLog
    /// From the program's name: `crun-wasm` and its kin run Wasm and nothing else.
    let isWasmOnly: Bool
    let expectsSystemdPath: Bool

    /// - Parameter programName: argv[0].
    package init(_ arguments: RuntimeArguments, programName: String) throws(RuntimeFailure) {
        self.arguments = arguments
        let root = arguments.global["root"]?.last ?? ContainerStore.defaultRoot()
        guard let absolute = Self.absolutePath(root) else { throw RuntimeFailure("--root \(root): \(Errno.current)") }
        store = ContainerStore(root: absolute)
        log = try RuntimeLog(
            path: arguments.global["log"]?.last, format: arguments.global["log-format"]?.last ?? "text",
            isDebug: arguments.global["debug"]?.last == "true")
        let name = programName.split(separator: "/").last.map(String.init) ?? programName
        isWasmOnly = ["wasm", "wasmtime", "wasmedge", "wasmer", "wamr"].contains { name.hasSuffix("-\($0)") }
        switch arguments.global["cgroup-manager"]?.last {
        case nil, "cgroupfs": expectsSystemdPath = arguments.global["systemd-cgroup"]?.last == "true"
        case "systemd": expectsSystemdPath = true
        case let other?: throw RuntimeFailure("--cgroup-manager: expected cgroupfs or systemd, found \"\(other)\"")
        }
    }

    /// Runs the command and returns the exit code.
    package func run() -> Int32 {
        do { return try perform() } catch {
            log.error(error.description)
            return error.exitCode
        }
    }

    private func perform() throws(RuntimeFailure) -> Int32 {
        switch arguments.command {
        case .create, .run: return try Creation(self).perform()
        case .exec: return try Execution(self).perform()
        case .list: try list()
        case .features: Self.print(Self.features.text)
        case .spec: try writeSpec()
        case .version: Self.print(Self.versionText)
        case .help: Self.print(Self.helpText)
        case .checkpoint, .restore:
            throw RuntimeFailure("\(arguments.command) is not supported: a guest cannot be saved")
        default: try performOnContainer()
        }
        return 0
    }

    private func performOnContainer() throws(RuntimeFailure) {
        let id = try arguments.containerID()
        if store.hasNative(id) { throw NativeRuntime(self).handOver() }
        guard let container = try store.find(id) else {
            if arguments.command == .delete, arguments.flag("force") { return store.sweep(id) }
            throw RuntimeFailure("container \"\(id)\" does not exist")
        }
        switch arguments.command {
        case .start: try start(container)
        case .state: Self.print(try stateText(container))
        case .kill: try kill(container)
        case .delete: try Removal(self, container).perform(isForced: arguments.flag("force"))
        case .ps: try listProcesses(container)
        case .pause: try pause(container)
        case .resume: try resume(container)
        case .update: try update(container)
        case .events: try events(container)
        default: preconditionFailure("\(arguments.command) is not about one container")
        }
    }

    private func stateText(_ container: StoredContainer) throws(RuntimeFailure) -> String {
        _ = try arguments.onlyContainerID()
        let record = try container.record()
        return record.stateJSON(container.status(record)).text
    }

    // MARK: - Output

    static func print(_ text: String) {
        // A reader that has gone is no failure of the runtime.
        try? Descriptors.writeAll(1, text.hasSuffix("\n") ? text : text + "\n")
    }

    /// Without a trailing slash; nil with errno when there is no current directory.
    static func absolutePath(_ path: String) -> String? {
        var result = path
        if !path.hasPrefix("/") {
            guard let current = getcwd(nil, 0) else { return nil }
            defer { free(current) }
            result = path.isEmpty || path == "." ? String(cString: current) : "\(String(cString: current))/\(path)"
        }
        while result.count > 1, result.hasSuffix("/") { result.removeLast() }
        return result
    }

    static var versionText: String {
        "swiftlet-oci version \(version)\nspec: \(specVersion)\n+WASM:swiftlet\n"
    }

    static var helpText: String {
        """
        Usage: swiftlet-oci [--root DIR] [--log FILE] [--log-format text|json] [--systemd-cgroup] COMMAND …

        Runs WebAssembly modules of OCI bundles; native programs are handed to runc.

          create [-b BUNDLE] [--pid-file FILE] [--console-socket SOCKET] ID    make a container; its guest waits
          start ID                                                            let the guest run
          run [-d] [-b BUNDLE] ID                                             create, start, wait, delete
          exec [-d] [-p PROCESS.json] ID MODULE[#EXPORT] [ARGUMENT…]          one more process of a container
          state ID | list [-f json] | ps [-f json] ID | events [--stats] ID
          kill [-a] ID [SIGNAL] | delete [-f] ID | pause ID | resume ID
          update [-r FILE] [--memory BYTES] [--cpu-quota µs] [--pids-limit N] ID
          spec [-b BUNDLE] | features

        Example: podman --runtime /usr/local/bin/swiftlet-oci run --rm IMAGE
        """
    }
}
