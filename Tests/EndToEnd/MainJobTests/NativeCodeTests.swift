// SPDX-License-Identifier: Apache-2.0
// Swiftlet end-to-end: native code for pods: made by the node, used by the next start, and never in the way.

import Foundation
import Glibc
import KubernetesAPI
import TestSupport
import Testing

@Suite(
    .serialized, .timeLimit(.minutes(5)),
    .enabled(
        if: BuiltProducts.exists(BuiltProducts.program("swiftlet-aot"))
            && BuiltProducts.exists(BuiltProducts.guest("wasm-api")), "needs the built programs and the guests"))
struct `Native code for pods` {
    private static let inBackground = ["SWIFTLET_BACKGROUND_COMPILER": "on"]

    private func pod(_ name: String = "coded", engine: String? = nil, guest: String = "wasm-api") -> String {
        let annotations = engine.map { "  annotations: {swiftlet.dev/engine: \($0)}\n" } ?? ""
        return """
            apiVersion: v1
            kind: Pod
            metadata:
              name: \(name)
            \(annotations)spec:
              terminationGracePeriodSeconds: 1
              containers:
                - name: app
                  image: \(BuiltProducts.guest(guest))

            """
    }

    private func events(_ up: RunningUp) throws -> String { try up.client(["get", "events"]).output }

    private func sandbox(_ pod: String = "coded") -> pid_t? {
        RunningUp.processes("swiftlet-sandbox", "default/\(pod)/app").first
    }

    /// Lines of the sandbox's memory map that are of the cache's images.
    private func mapped(_ up: RunningUp, _ pod: String = "coded") throws -> [String] {
        guard let process = sandbox(pod) else { return [] }
        let maps = try Program.run("/bin/cat", ["/proc/\(process)/maps"]).output
        return maps.split(separator: "\n").map(String.init).filter { $0.contains(up.nativeFolder) }
    }

    private func images(_ up: RunningUp) throws -> [String] {
        try Program.run("/usr/bin/find", ["\(up.nativeFolder)/images", "-type", "f"]).output
            .split(separator: "\n").map(String.init)
    }

    @Test func `is waited for where the engine is aot, and events tell`() throws {
        let up = try RunningUp(manifest: pod(engine: "aot"))
        guard up.eventually("the pod runs", { try up.readyPods().count == 1 }) else { return }
        let events = try events(up)
        for text in [
            "Compiling the module of container app to native code", "NativeCodeReady", "level full: ",
            "Started container app (native code, level full)",
        ] { #expect(events.contains(text), "\(events)") }
        #expect(try mapped(up).contains { $0.contains("r-xp") })
        #expect(try RunningUp.cgroups(containing: "/compiler").isEmpty)
    }

    @Test func `is made while a pod runs interpreted, and used by its next start`() throws {
        let up = try RunningUp(manifest: pod(), environment: Self.inBackground)
        guard up.eventually("native code is ready", { try events(up).contains("NativeCodeReady") }) else { return }
        #expect(try events(up).contains("Started container app (interpreted)"))
        #expect(try mapped(up).isEmpty)
        kill(try #require(sandbox()), SIGKILL)
        up.eventually("the next start is native") {
            try events(up).contains("Started container app (native code, level full)")
        }
        #expect(try mapped(up).contains { $0.contains("r-xp") })
        #expect(try up.pods().first?.status.containerStatuses.first?.restartCount == 1)
    }

    @Test(.enabled(if: SharedData.isPresent, "needs the shared data"))
    func `begins with the functions that the time goes to`() throws {
        let script = "let t = 0; for (let i = 0; ; i++) t = (t * 31 + i) | 0"
        let manifest = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: coded
            spec:
              terminationGracePeriodSeconds: 1
              containers:
                - name: app
                  image: \(SharedData.path("testdata/programs/wasip1/quickjs.wasm"))
                  args: ["-e", "\(script)"]

            """
        let up = try RunningUp(manifest: manifest, environment: Self.inBackground)
        guard up.eventually("hot functions are native", { try events(up).contains("level hot: ") }) else { return }
        let text = try events(up)
        // A loop of a script needs few of the 1,700 functions of its engine.
        let words = try #require(text.components(separatedBy: "level hot: ").last).split(separator: " ")
        let (compiled, all) = (try #require(Int(words[0])), try #require(Int(words[2])))
        #expect(compiled > 0 && compiled * 10 < all, "\(text)")
        kill(try #require(sandbox()), SIGKILL)
        up.eventually("the next start uses them") { try !mapped(up).isEmpty }
    }

    @Test func `is not looked for where the engine is interpreter`() throws {
        let manifest = pod("native", engine: "aot") + "---\n" + pod("plain", engine: "interpreter")
        let up = try RunningUp(manifest: manifest, environment: Self.inBackground)
        guard up.eventually("both run", { try up.readyPods().count == 2 }) else { return }
        #expect(try !mapped(up, "native").isEmpty)
        #expect(try mapped(up, "plain").isEmpty)
    }

    @Test(arguments: ["damaged", "somebody else's"])
    func `that cannot be trusted is not run, and made anew`(_ how: String) throws {
        let up = try RunningUp(manifest: pod(engine: "aot"), environment: Self.inBackground)
        guard up.eventually("the pod runs", { try up.readyPods().count == 1 }) else { return }
        let image = try #require(try images(up).first)
        if how == "damaged" {
            // In the header's middle; the checksum of the tables is wrong now.
            chmod(image, 0o600)
            let file = open(image, O_RDWR)
            #expect(pwrite(file, [0xFF, 0xFF], 2, 140) == 2)
            close(file)
        } else {
            #expect(chown(image, 12345, 12345) == 0)
        }
        let path = "\(up.folder)/second.yaml"
        try write(pod("second"), to: path)
        #expect(try up.client(["apply", "-f", path]).status.code == 0)
        up.eventually("the interpreter runs instead, and says why") {
            let text = try events(up)
            return text.contains("NativeCodeUnusable") && text.contains("Started container app (interpreted)")
        }
        up.eventually("it is made anew") {
            try events(up).contains("Native code of container app, used from the next start on")
        }
        kill(try #require(sandbox("second")), SIGKILL)
        up.eventually("the next start is native") { try !mapped(up, "second").isEmpty }
    }

    @Test func `whose compiler crashes is given up for good, and the pod runs on`() throws {
        let compiler = try FakeCompiler("kill -SEGV $$")
        let environment = Self.inBackground.merging(compiler.environment) { $1 }
        let up = try RunningUp(manifest: pod(), environment: environment)
        guard up.eventually("the event", { try events(up).contains("NativeCompilationFailed") }) else { return }
        #expect(try events(up).contains("the compiler crashed (signal 11)"))
        #expect(try up.pods().first?.status.containerStatuses.first?.restartCount == 0)
        #expect(try up.readyPods().count == 1)
        // A pod that asks for native code of the same module hears of it without another try.
        let path = "\(up.folder)/second.yaml"
        try write(pod("second", engine: "aot"), to: path)
        #expect(try up.client(["apply", "-f", path]).status.code == 0)
        up.eventually("the second pod waits with the reason") {
            try up.pods().first { $0.metadata.name == "second" }?.status.containerStatuses.first?
                .state.waiting?.reason == "NativeCompilationFailed"
        }
        #expect(try compiler.runs() == 1)
    }

    @Test func `under way ends with the node, and leaves nothing`() throws {
        let compiler = try FakeCompiler("exec sleep 4321")
        let up = try RunningUp(manifest: pod(engine: "aot"), environment: compiler.environment)
        guard up.eventually("the compiler works", { !RunningUp.processes("sleep", "4321").isEmpty }) else { return }
        #expect(try up.pods().first?.status.containerStatuses.first?.state.waiting?.reason == "Compiling")
        up.program.signal(SIGINT)
        #expect(up.program.wait(seconds: 30)?.code == 0)
        #expect(RunningUp.processes("sleep", "4321").isEmpty)
        #expect(try RunningUp.cgroups(containing: "/compiler").isEmpty)
        #expect(try images(up).isEmpty)
        #expect(try Program.run("/bin/ls", ["\(up.nativeFolder)/making"]).output == "")
    }

    @Test func `a pod that waits for native code is removed at once`() throws {
        let compiler = try FakeCompiler("exec sleep 4322")
        let up = try RunningUp(manifest: pod(engine: "aot"), environment: compiler.environment)
        guard up.eventually("the compiler works", { !RunningUp.processes("sleep", "4322").isEmpty }) else { return }
        #expect(try up.client(["delete", "pod", "coded"]).status.code == 0)
        up.eventually("the pod is gone", { try up.pods().isEmpty })
    }
}

/// A program in the compiler's place, which notes each of its runs.
private final class FakeCompiler {
    private let folder = "/tmp/swiftlet-e2e-compiler-\(UInt32.random(in: 0...UInt32.max))"
    var environment: [String: String] { ["SWIFTLET_AOT": "\(folder)/compiler"] }

    init(_ end: String) throws {
        mkdir(folder, 0o755)
        try write("#!/bin/sh\necho run >> \(folder)/runs\n\(end)\n", to: "\(folder)/compiler")
        chmod("\(folder)/compiler", 0o755)
    }

    deinit { _ = try? Program.run("/bin/rm", ["-rf", folder]) }

    func runs() throws -> Int {
        try Program.run("/bin/cat", ["\(folder)/runs"]).output.split(separator: "\n").count
    }
}

private func write(_ text: String, to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    defer { close(file) }
    let bytes = Array(text.utf8)
    try #require(Glibc.write(file, bytes, bytes.count) == bytes.count)
}
