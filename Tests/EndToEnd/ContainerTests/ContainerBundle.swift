// SPDX-License-Identifier: Apache-2.0
// Swiftlet: bundles, a private root, and the built runtime, for the tests of swiftlet-oci and its callers.
import Glibc
import OCI
import TestSupport

/// What a test found instead of what it needs to go on.
struct Unexpected: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// What a program printed and how it ended.
struct Ran {
    var code: Int32
    var output: String
    var errors: String
}

/// A folder of one test with everything it makes; all of it is gone when the value goes away.
final class Workspace {
    let path: String
    /// Part of every name that this test gives to something outside the folder.
    let unique: String

    static let runtime = BuiltProducts.program("swiftlet-oci")
    static let isBuilt =
        BuiltProducts.exists(runtime) && BuiltProducts.exists(BuiltProducts.program("swiftlet-sandbox"))
        && BuiltProducts.exists(BuiltProducts.guest("hello")) && geteuid() == 0

    init() {
        unique = "\(getpid())-\(UInt32.random(in: 0...99999))"
        path = "/tmp/swl-oci-\(unique)"
        mkdir(path, 0o755)
    }

    deinit {
        for id in names(in: "\(path)/root/wasm") + names(in: "\(path)/root/native") where !id.hasPrefix(".") {
            _ = try? runtime(["delete", "--force", id])
        }
        removeTree(path)
        for hierarchy in names(in: "/sys/fs/cgroup") {
            rmdir("/sys/fs/cgroup/\(hierarchy)/swiftlet-oci-test-\(unique)")
        }
    }

    /// Runs swiftlet-oci with this test's root.
    @discardableResult
    func runtime(_ words: [String], environment: [String: String]? = nil, input: String? = nil) throws -> Ran {
        try run(Self.runtime, ["--root", "\(path)/root"] + words, environment: environment, input: input)
    }

    /// The same for commands whose container keeps the streams: they are files then, so that nobody waits for their end.
    @discardableResult
    func detached(_ words: [String], kill delay: UInt32? = nil) throws -> Ran {
        let files = ["\(path)/stdout", "\(path)/stderr"]
        let script = "exec \"$0\" \"$@\" </dev/null >\(files[0]) 2>\(files[1])"
        let program = try Program("/bin/sh", ["-c", script, Self.runtime, "--root", "\(path)/root"] + words)
        if let delay {
            usleep(delay)
            program.signal(SIGKILL)
        }
        guard let end = program.wait(seconds: 30) else { throw Unexpected("\(words): no end") }
        return Ran(code: end.code ?? 128 + (end.signal ?? 0), output: text(files[0]), errors: text(files[1]))
    }

    /// Makes a bundle of guests with a root file system, and returns its path.
    func bundle(
        _ name: String, _ arguments: [String], cgroup: Bool = true, _ change: (inout RuntimeSpec) -> Void = { _ in }
    ) throws -> String {
        let bundle = "\(path)/\(name)"
        mkdir(bundle, 0o755)
        mkdir("\(bundle)/rootfs", 0o755)
        for guest in ["hello", "exit-code", "ignore-stop", "trap", "wasm-api", "memory-hog"] {
            try copy(BuiltProducts.guest(guest), to: "\(bundle)/rootfs/\(guest).wasm")
        }
        var spec = RuntimeSpec(process: ProcessSpec(args: arguments), root: RootSpec(path: "rootfs"))
        spec.linux = LinuxSpec(
            cgroupsPath: cgroup ? "/swiftlet-oci-test-\(unique)/\(name)" : nil,
            namespaces: [NamespaceSpec(type: "network")])
        change(&spec)
        try write(spec.json.text, to: "\(bundle)/config.json")
        return bundle
    }

    /// `status` of `state`; nil when there is no such container.
    func status(_ id: String) throws -> String? {
        let state = try runtime(["state", id])
        guard state.code == 0 else { return nil }
        if case .string(let status)? = try JSON(parsing: state.output)["status"] { return status }
        throw Unexpected("state: \(state.output)")
    }

    func pid(_ id: String) throws -> Int32 {
        if case .number(let pid)? = try JSON(parsing: runtime(["state", id]).output)["pid"] { return Int32(pid) ?? 0 }
        return 0
    }

    /// Sandboxes that this test's containers left running: their name is the container's.
    func sandboxes(_ name: String) -> [Int32] {
        names(in: "/proc").compactMap { Int32($0) }.filter { process in
            let words = text("/proc/\(process)/cmdline").split(separator: "\0")
            return words.first == "swiftlet-sandbox" && words.count > 1
                && (words[1] == name || words[1].hasPrefix("\(name)/"))
        }
    }

    func cgroups() -> [String] {
        names(in: "/sys/fs/cgroup").flatMap { hierarchy -> [String] in
            let parent = "/sys/fs/cgroup/\(hierarchy)/swiftlet-oci-test-\(unique)"
            return names(in: parent).filter { isDirectory("\(parent)/\($0)") }.map { "\(parent)/\($0)" }
        }
    }
}

func run(
    _ path: String, _ words: [String], environment: [String: String]? = nil, input: String? = nil, seconds: Double = 60
) throws -> Ran {
    let result = try Program.run(path, words, environment: environment, input: input, seconds: seconds)
    return Ran(
        code: result.status.code ?? 128 + (result.status.signal ?? 0), output: result.output, errors: result.errors)
}

/// The first of the places where Debian has the program; nil when it is not installed.
func installed(_ name: String) -> String? {
    ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin"].map { "\($0)/\(name)" }
        .first { access($0, X_OK) == 0 }
}

func text(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }

func bytes(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        guard count > 0 else { return bytes }
        bytes += chunk[..<count]
    }
}

func write(_ text: String, to path: String, mode: UInt32 = 0o644) throws {
    try write(Array(text.utf8), to: path, mode: mode)
}

func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
        throw Unexpected("write \(path): \(String(cString: strerror(errno)))")
    }
    close(descriptor)
}

func copy(_ source: String, to target: String, mode: UInt32 = 0o644) throws {
    try write(bytes(source), to: target, mode: mode)
}

func names(in path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

func isDirectory(_ path: String) -> Bool {
    var information = stat()
    return lstat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
}

func removeTree(_ path: String) {
    for name in names(in: path) {
        if isDirectory("\(path)/\(name)") { removeTree("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
    }
    rmdir(path)
}

func isTrue(within seconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<Int(seconds * 50) {
        if try condition() { return true }
        usleep(20_000)
    }
    return try condition()
}
