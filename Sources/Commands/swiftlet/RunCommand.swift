// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet run`.

import ArgumentParser
import Glibc
import LaunchProtocol
import Linux
import Workload

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run one module in a sandbox, in the foreground.",
        discussion: """
            Examples:
              swiftlet run hello.wasm
              swiftlet run --dir ./data:/data:ro --env LEVEL=debug app.wasm --port 8080
              swiftlet run --listen 127.0.0.1:8080 --memory 64Mi --cpus 0.5 server.wasm

            The module sees nothing of the machine but what the options name. Ctrl-C asks it to end; a second
            Ctrl-C, or the end of --grace, kills it.

            Exit codes:
              the guest's own    it returned (0) or called proc_exit
              124                --timeout was reached
              125                the sandbox could not be set up
              126                the file is not a module that can run here
              127                the file cannot be opened
              130, 143           killed after Ctrl-C or SIGTERM
              134                it trapped; the reason and the backtrace are on standard error
              137                out of memory, or killed
            """)

    @Option(help: ArgumentHelp("A directory for the guest; GUEST is its name there.", valueName: "HOST[:GUEST[:ro]]"))
    var dir: [RunDirectory] = []

    @Option(help: ArgumentHelp("An environment variable.", valueName: "NAME=VALUE"))
    var env: [RunVariable] = []

    @Option(
        help: ArgumentHelp(
            "A listening TCP socket, handed to the guest after the directories.",
            valueName: "ADDRESS:PORT"))
    var listen: [RunAddress] = []

    @Flag(help: "Let the guest open sockets of its own.")
    var net = false

    @Option(help: ArgumentHelp("Call this export instead of _start.", valueName: "FUNCTION"))
    var invoke: String?

    @Option(help: ArgumentHelp("Memory limit, as in 128Mi; reaching it is exit code 137.", valueName: "QUANTITY"))
    var memory: RunBytes?

    @Option(help: ArgumentHelp("CPU limit, as in 0.5.", valueName: "NUMBER"))
    var cpus: RunProcessors?

    @Option(help: "The engine: interpreter, aot or auto.")
    var engine: RunEngine = .auto

    @Option(help: ArgumentHelp("Kill the guest after this time, as in 30s, 500ms, 2m.", valueName: "DURATION"))
    var timeout: RunDuration?

    @Option(help: ArgumentHelp("Time between Ctrl-C and the kill.", valueName: "DURATION"))
    var grace = RunDuration(milliseconds: 10_000)

    @Argument(help: ArgumentHelp("The module.", valueName: "APP.wasm"))
    var path: String

    @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("The guest's arguments.", valueName: "ARGS"))
    var arguments: [String] = []

    func validate() throws {
        if engine == .aot {
            throw ValidationError("--engine aot: not available in this build; use interpreter or auto")
        }
    }

    func run() throws { Glibc.exit(execute()) }

    /// The exit code of the command.
    private func execute() -> Int32 {
        do {
            openStandardDescriptors()
            let module = try Files.open(path, O_RDONLY)
            var opened: [OpenedDescriptor] = []
            let spec = try makeSpec(module.rawValue, &opened)
            defer { _ = opened.count }
            var request = LaunchRequest(spec: spec, limits: limits)
            if !limits.isEmpty { request.cgroupPath = RunGroup.prepare() }
            let process = try SandboxLauncher().launch(request)
            return RunSupervisor(process, name: path, timeout: timeout, grace: grace).run()
        } catch let error as SystemError where error.path == path {
            report("\(error)")
            return 127
        } catch {
            report("\(error)")
            return 125
        }
    }

    private var limits: ResourceLimits {
        ResourceLimits(memoryBytes: memory?.count, cpuQuotaMicroseconds: cpus?.quotaMicroseconds)
    }

    private func makeSpec(_ module: Int32, _ opened: inout [OpenedDescriptor]) throws -> LaunchSpec {
        var spec = LaunchSpec(
            name: String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]),
            moduleDescriptor: module, entrypoint: invoke ?? "_start", environment: env.map(\.text),
            engine: engine == .interpreter ? .interpreter : .auto)
        spec.arguments = [spec.name] + arguments
        for directory in dir {
            let descriptor = OpenedDescriptor(try Files.open(directory.host, O_RDONLY | O_DIRECTORY))
            opened.append(descriptor)
            spec.preopens.append(
                Preopen(descriptor: descriptor.number, guestPath: directory.guest, isReadOnly: directory.isReadOnly))
        }
        for address in listen {
            let descriptor = OpenedDescriptor(try address.listen())
            opened.append(descriptor)
            spec.network.listeners.append(descriptor.number)
        }
        if net { spec.network.allowEverything() }
        return spec
    }

    /// A descriptor 0–2 that the caller closed would be taken by the next file that is opened.
    private func openStandardDescriptors() {
        while true {
            let descriptor = open("/dev/null", O_RDWR)
            if descriptor > 2 { close(descriptor) }
            if descriptor < 0 || descriptor > 2 { return }
        }
    }
}

/// Keeps a descriptor open as long as a copy of it lives; arrays cannot hold noncopyable values.
final class OpenedDescriptor {
    let descriptor: OwnedDescriptor
    var number: Int32 { descriptor.rawValue }

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}

/// Writes `swiftlet: TEXT` to standard error.
func report(_ text: String) {
    try? Descriptors.writeAll(STDERR_FILENO, "swiftlet: \(text)\n")
}
