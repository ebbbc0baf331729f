// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet compile`.

import ArgumentParser
import Glibc
import Linux
import ModuleRun
import NativeCache
import NativeImage

struct CompileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compile",
        abstract: "Compile modules ahead of time, into this machine's cache.",
        discussion: """
            The next `swiftlet run app.wasm`, and the next start of a pod with this module, runs native code. The cache \
            is /var/lib/swiftlet/native for root and ~/.local/share/swiftlet/native for others; SWIFTLET_NATIVE names \
            another folder.

            Examples:
              swiftlet compile app.wasm
              swiftlet compile ghcr.io/team/app:1 --level quick
              swiftlet compile --list
              swiftlet compile --remove app.wasm

            Exit status: 0; 1 when a module cannot be compiled; 130 after Ctrl-C, which leaves nothing of what is not whole.
            """)

    enum Level: String, ExpressibleByArgument, CaseIterable {
        case quick, full

        var compilers: NativeCompiler.Level { self == .quick ? .quick : .full }
    }

    @Option(help: ArgumentHelp("quick: compiles sooner; full: runs faster.", valueName: "LEVEL"))
    var level: Level = .full

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Write the image there too, to look at it; it is never run from there.", valueName: "FILE"))
    var output: String?

    @Flag(help: "List what the cache holds.")
    var list = false

    @Flag(help: "Remove native code of the modules, with what is remembered of failures.")
    var remove = false

    @Flag(help: "With --remove: all of it.")
    var all = false

    @OptionGroup var images: ImageOptions

    @Argument(
        help: ArgumentHelp(
            "Files of modules, images of the store, or digests as --list shows them.", valueName: "MODULE"))
    var modules: [String] = []

    func validate() throws {
        if list {
            guard modules.isEmpty, !remove, output == nil else {
                throw ValidationError("--list stands alone: expected no modules, no --remove and no --output")
            }
            return
        }
        if all {
            guard remove, modules.isEmpty else {
                throw ValidationError("--all goes with --remove, and without modules")
            }
            return
        }
        guard !modules.isEmpty else { throw ValidationError("expected a module, --list, or --remove with one") }
        guard output == nil || (modules.count == 1 && !remove) else {
            throw ValidationError("--output goes with one module to compile")
        }
    }

    func run() throws {
        do {
            if list { return try NativeListing.write() }
            if remove { return try removeEntries() }
            let cache = try NativeCache(making: NativeCache.standardRoot)
            for module in modules { try compile(module, in: cache) }
        } catch let exit as ExitCode { throw exit } catch let failure as CommandFailure { throw failure } catch {
            throw CommandFailure("\(error)")
        }
    }

    // MARK: - Compiling

    private func compile(_ name: String, in cache: NativeCache) throws {
        let module = try ModuleReference(name, images).open()
        let made: NativeJob.Made
        do {
            made = try NativeProgress.make(
                module.rawValue, CompileRequest(name: name, level: level.compilers), in: cache,
                isCancelled: { StopSignals.pending() != nil })
        } catch {
            if let signal = StopSignals.pending() { throw ExitCode(128 + signal) }
            throw error
        }
        if let output { try write(made, from: cache, to: output) }
        writeOutput("\(name): \(made)\n")
    }

    /// A whole file or none.
    private func write(_ made: NativeJob.Made, from cache: NativeCache, to path: String) throws {
        guard let image = try cache.open(made.key) else {
            throw CommandFailure("\(path): the native code was removed from the cache again: it is too small")
        }
        let bytes = try Files.read(image.rawValue, limit: Int(made.byteCount), path: "the image")
        let temporary = "\(path).part"
        do {
            let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            try Descriptors.writeAll(file.rawValue, bytes)
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let reason = Errno.current
            unlink(temporary)
            throw CommandFailure("\(path): \(reason)")
        }
    }

    // MARK: - Removing

    private func removeEntries() throws {
        guard let cache = try NativeCache(at: NativeCache.standardRoot) else { return }
        var missing: [String] = []
        let entries = try cache.entries()
        if all {
            for entry in entries { try cache.remove(entry.key) }
            cache.forgetFailures()
            return writeOutput("removed \(entries.count) images\n")
        }
        for name in modules {
            let digests = try digests(name, entries, cache)
            let removed = try digests.reduce(0) { $0 + (try cache.removeAll(of: $1)) }
            if removed > 0 { writeOutput("\(name): removed \(removed)\n") } else { missing.append(name) }
        }
        if !missing.isEmpty {
            throw CommandFailure(missing.map { "\($0): there is no native code of it" }.joined(separator: "\n"))
        }
    }

    /// Of a file, an image, or the beginning of a digest.
    private func digests(
        _ name: String, _ entries: [NativeCache.Entry], _ cache: NativeCache
    ) throws -> [ModuleDigest] {
        let prefix = name.hasPrefix("sha256:") ? String(name.dropFirst(7)) : name
        if prefix.count >= 8, prefix.allSatisfy(\.isHexDigit), access(name, F_OK) != 0 {
            return Array(Set(entries.map(\.key.module).filter { "\($0)".hasPrefix(prefix) }))
        }
        let module = try ModuleReference(name, images).open()
        return [try cache.digest(of: module.rawValue)]
    }
}
