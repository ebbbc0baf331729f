// SPDX-License-Identifier: Apache-2.0
// Swiftlet: one module, run in the foreground.

internal import Glibc
import LaunchProtocol
import Linux
import NativeCache
import Workload

/// What `swiftlet run` was asked to do.
package struct RunRequest: Equatable {
    /// The module's file.
    package var path: String
    /// The guest's arguments, without its name.
    package var arguments: [String] = []
    package var directories: [RunDirectory] = []
    package var environment: [RunVariable] = []
    package var listeners: [RunAddress] = []
    /// Whether the guest may open sockets of its own.
    package var allowsNetwork = false
    /// The export to call instead of `_start`.
    package var invoke: String?
    package var memory: RunBytes?
    package var processors: RunProcessors?
    package var engine: RunEngine = .auto
    /// WebAssembly features that the module may use, as the engine reads them; empty: all.
    package var features = ""
    package var fuel: RunFuel?
    package var timeout: RunDuration?
    package var grace = RunDuration(milliseconds: 10_000)

    package init(path: String) { self.path = path }

    /// Runs it to its end.
    ///
    /// - Returns: The exit code of the command; what went wrong is on standard error.
    package func execute() -> Int32 {
        do {
            openStandardDescriptors()
            let module = try Files.open(path, O_RDONLY)
            var opened: [OpenedDescriptor] = []
            var spec = try makeSpec(module.rawValue, &opened)
            if let code = try nativeCode(module.rawValue) {
                let descriptor = OpenedDescriptor(code)
                opened.append(descriptor)
                spec.nativeDescriptor = descriptor.number
            }
            defer { _ = opened.count }
            var request = LaunchRequest(spec: spec, limits: limits)
            if !limits.isEmpty { request.cgroupPath = RunGroup.prepare() }
            // Before there is a sandbox: a signal in between would end this process without the guest's grace, and leave
            // its cgroup behind.
            guard let signals = SignalPipe.open() else {
                report("cannot watch signals: \(Errno.current)")
                return 125
            }
            let process = try SandboxLauncher().launch(request)
            for warning in process.launchWarnings { report("warning: \(warning)") }
            return RunSupervisor(process, signals: signals, name: path, timeout: timeout, grace: grace).run()
        } catch let error as SystemError where error.path == path {
            report("\(error)")
            return 127
        } catch {
            report("\(error)")
            return 125
        }
    }

    /// Native code for the module: what the cache has; with `aot` it is made first.
    private func nativeCode(_ module: Int32) throws -> OwnedDescriptor? {
        switch engine {
        case .interpreter: return nil
        // Only the interpreter counts fuel.
        case .auto where fuel != nil: return nil
        case .auto:
            // No reason not to run: the interpreter can do it.
            do {
                guard let cache = try NativeCache(at: NativeCache.standardRoot),
                    let found = try cache.ready(for: module)
                else { return nil }
                return found.takeImage()
            } catch {
                report("warning: native code: \(error); the interpreter runs")
                return nil
            }
        case .aot:
            let cache = try NativeCache(making: NativeCache.standardRoot)
            let made = try NativeProgress.make(module, CompileRequest(name: path), in: cache)
            return try cache.open(made.key)
        }
    }

    private var limits: ResourceLimits {
        ResourceLimits(memoryBytes: memory?.count, cpuQuotaMicroseconds: processors?.quotaMicroseconds)
    }

    private func makeSpec(_ module: Int32, _ opened: inout [OpenedDescriptor]) throws -> LaunchSpec {
        var spec = LaunchSpec(
            name: String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]),
            moduleDescriptor: module, entrypoint: invoke ?? "_start", environment: environment.map(\.text),
            engine: engine.choice, features: features)
        spec.limits.fuel = fuel?.count
        spec.arguments = [spec.name] + arguments
        for directory in directories {
            let descriptor = OpenedDescriptor(try Files.open(directory.host, O_RDONLY | O_DIRECTORY))
            opened.append(descriptor)
            spec.preopens.append(
                Preopen(descriptor: descriptor.number, guestPath: directory.guest, isReadOnly: directory.isReadOnly))
        }
        for address in listeners {
            let descriptor = OpenedDescriptor(try address.listen())
            opened.append(descriptor)
            spec.network.listeners.append(descriptor.number)
        }
        if allowsNetwork { spec.network.allowEverything() }
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
