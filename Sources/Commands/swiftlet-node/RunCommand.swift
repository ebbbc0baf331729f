// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet run`, where its command line wants more than the quick reader of ModuleRun gives.

import ArgumentParser
import Glibc
import ModuleRun

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

    @Option(
        help: ArgumentHelp(
            "interpreter; aot: native code, made first where the cache has none; auto: what the cache has.",
            valueName: "ENGINE"))
    var engine: RunEngine = .auto

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "WebAssembly features that the module may use: names as inspect prints them, -NAME without one, and "
                + "mvp, wasm1, wasm2, wasm3 or all to start from.", valueName: "LIST"))
    var features = ""

    @Option(help: ArgumentHelp("Trap after this many instructions, counted alike on every machine.", valueName: "N"))
    var fuel: RunFuel?

    @Option(help: ArgumentHelp("Kill the guest after this time, as in 30s, 500ms, 2m.", valueName: "DURATION"))
    var timeout: RunDuration?

    @Option(help: ArgumentHelp("Time between Ctrl-C and the kill.", valueName: "DURATION"))
    var grace = RunDuration(milliseconds: 10_000)

    @Argument(help: ArgumentHelp("The module.", valueName: "APP.wasm"))
    var path: String

    @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("The guest's arguments.", valueName: "ARGS"))
    var arguments: [String] = []

    func run() throws {
        var request = RunRequest(path: path)
        request.arguments = arguments
        request.directories = dir
        request.environment = env
        request.listeners = listen
        request.allowsNetwork = net
        request.invoke = invoke
        request.memory = memory
        request.processors = cpus
        request.engine = engine
        request.features = features
        request.fuel = fuel
        request.timeout = timeout
        request.grace = grace
        Glibc.exit(request.execute())
    }
}

// The initialiser of each value is the one that the parser asks for.
extension RunDirectory: ExpressibleByArgument {}
extension RunVariable: ExpressibleByArgument {}
extension RunAddress: ExpressibleByArgument {}
extension RunBytes: ExpressibleByArgument {}
extension RunFuel: ExpressibleByArgument {}
extension RunProcessors: ExpressibleByArgument {}
extension RunEngine: ExpressibleByArgument {}
extension RunDuration: ExpressibleByArgument {
    package var defaultValueDescription: String { description }
}
