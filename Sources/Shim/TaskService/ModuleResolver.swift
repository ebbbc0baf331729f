// SPDX-License-Identifier: Apache-2.0
// Swiftlet: finds the module that a process is to run, and makes sure that it is one.
import Glibc
package import Linux
package import OCI
package import TTRPC

/// An open module and what to call in it.
package struct ResolvedModule: ~Copyable {
    let descriptor: OwnedDescriptor
    package let entrypoint: String

    package consuming func takeDescriptor() -> OwnedDescriptor { descriptor }
}

/// Looks modules up for one container.
///
/// `swiftlet.dev/module` names the file on the host; otherwise it is `args[0]` in the root file system, looked up in
/// PATH when it has no slash. `path#func` calls another export than `_start`. The image may be hostile: nothing is
/// opened outside the root, whatever its symbolic links say.
package struct ModuleResolver {
    /// Absolute path of the root file system on the host, if there is one.
    var rootPath: String?
    /// From the annotation.
    var modulePath: String?

    static let defaultEntrypoint = "_start"

    package init(rootPath: String? = nil, modulePath: String? = nil) {
        self.rootPath = rootPath
        self.modulePath = modulePath
    }

    /// The container's own module.
    package func resolve(_ process: ProcessSpec) throws(Status) -> ResolvedModule {
        if let modulePath {
            let (path, entrypoint) = Self.split(modulePath)
            let file = try Self.open(path)
            // The annotation says where the module is; args[0] may still say what to call.
            let named = process.args.first.map(Self.split)?.entrypoint
            return try Self.checked(file, path, entrypoint ?? named)
        }
        guard let first = process.args.first, !first.isEmpty else {
            throw Status(.invalidArgument, "process.args is empty: there is no module to run")
        }
        return try find(first, process)
    }

    /// The module of an exec: another one of the image, or the container's again when `args[0]` names it or is only
    /// `#func`.
    package func resolve(_ exec: ProcessSpec, of container: ProcessSpec) throws(Status) -> ResolvedModule {
        guard let first = exec.args.first, !first.isEmpty else {
            throw Status(.invalidArgument, "process.args is empty: there is no module to run")
        }
        let (path, entrypoint) = Self.split(first)
        let own = container.args.first.map { Self.split($0).path }
        let isOwn = path.isEmpty || path == own || modulePath.map { Self.split($0).path } == path
        if isOwn {
            var process = container
            if process.args.isEmpty { process.args = [""] }
            process.args[0] = Self.split(process.args[0]).path + (entrypoint.map { "#\($0)" } ?? "")
            return try resolve(process)
        }
        guard rootPath != nil else {
            throw Status(
                .notFound, "module \(path): the container has no root file system; its own module is \(own ?? "#func")")
        }
        return try find(first, exec)
    }

    private func find(_ argument: String, _ process: ProcessSpec) throws(Status) -> ResolvedModule {
        let found = try open(argument, process)
        let (path, entrypoint) = (found.path, found.entrypoint)
        return try Self.checked(found.takeFile(), path, entrypoint)
    }

    /// The first bytes of what `args[0]` names in the root file system; nil when it names nothing there.
    package func head(of process: ProcessSpec) -> [UInt8]? {
        guard let first = process.args.first, let found = try? open(first, process) else { return nil }
        var head = [UInt8](repeating: 0, count: 4)
        return pread(found.file.rawValue, &head, 4, 0) == 4 ? head : nil
    }

    private struct Found: ~Copyable {
        let file: OwnedDescriptor
        let path: String
        let entrypoint: String?

        consuming func takeFile() -> OwnedDescriptor { file }
    }

    private func open(_ argument: String, _ process: ProcessSpec) throws(Status) -> Found {
        guard let rootPath else {
            throw Status(.notFound, "module \(argument): there is no root file system and no swiftlet.dev/module")
        }
        let root: OwnedDescriptor
        do { root = try Files.open(rootPath, O_RDONLY | O_DIRECTORY) } catch {
            throw Status(.notFound, "root file system \(error)")
        }
        let (name, entrypoint) = Self.split(argument)
        guard !name.isEmpty else { throw Status(.invalidArgument, "process.args[0] \"\(argument)\" names no module") }
        var candidates: [String] = []
        if name.contains("/") {
            candidates = [name.hasPrefix("/") ? name : process.cwd + "/" + name]
        } else {
            let path = process.env.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? "/usr/local/bin:/usr/bin:/bin"
            candidates = path.split(separator: ":").map { "\($0)/\(name)" } + [process.cwd + "/" + name]
        }
        for candidate in candidates {
            do {
                let file = try Files.open(
                    candidate, in: root.rawValue, O_RDONLY | O_NONBLOCK | O_NOCTTY, resolve: Self.resolveInRoot)
                return Found(file: file, path: candidate, entrypoint: entrypoint)
            } catch {
                if error.errno == .noSuchFile || error.errno == .notDirectory { continue }
                throw Status(.failedPrecondition, "module \(candidate): \(error)")
            }
        }
        let places = name.contains("/") ? "" : " (looked for \(candidates.joined(separator: ", ")))"
        // The words of errno(3): callers look for them and answer with exit code 127.
        throw Status(.notFound, "module \(name): no such file or directory in the root file system\(places)")
    }

    /// RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS of openat2(2).
    private static let resolveInRoot: UInt64 = 0x10 | 0x02

    private static func open(_ path: String) throws(Status) -> OwnedDescriptor {
        do { return try Files.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) } catch {
            throw Status(error.errno == .noSuchFile ? .notFound : .failedPrecondition, "module \(error)")
        }
    }

    /// `path#func`; the last `#` counts.
    static func split(_ text: String) -> (path: String, entrypoint: String?) {
        guard let mark = text.lastIndex(of: "#") else { return (text, nil) }
        let name = String(text[text.index(after: mark)...])
        return (String(text[..<mark]), name.isEmpty ? nil : name)
    }

    private static func checked(
        _ file: consuming OwnedDescriptor, _ path: String, _ entrypoint: String?
    ) throws(Status) -> ResolvedModule {
        var information = stat()
        guard fstat(file.rawValue, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw Status(.failedPrecondition, "module \(path): is not a regular file")
        }
        var head = [UInt8](repeating: 0, count: 8)
        let count = pread(file.rawValue, &head, 8, 0)
        switch (count, Array(head[..<4]), Array(head[4...])) {
        case (8, [0x00, 0x61, 0x73, 0x6d], [0x01, 0x00, 0x00, 0x00]):
            return ResolvedModule(descriptor: file, entrypoint: entrypoint ?? defaultEntrypoint)
        case (8, [0x00, 0x61, 0x73, 0x6d], [0x0d, 0x00, 0x01, 0x00]):
            throw Status(.failedPrecondition, "module \(path): is a component; only core modules can be run")
        case (8, [0x7f, 0x45, 0x4c, 0x46], _):
            throw Status(.failedPrecondition, "module \(path): is a native program (ELF), not WebAssembly")
        default:
            let found = head[..<max(0, min(4, count))].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            throw Status(
                .failedPrecondition,
                "module \(path): expected a WebAssembly module (00 61 73 6d 01 00 00 00), found "
                    + (found.isEmpty ? "an empty file" : found.joined(separator: " ")))
        }
    }
}
