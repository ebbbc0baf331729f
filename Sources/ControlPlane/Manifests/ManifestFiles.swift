// SPDX-License-Identifier: Apache-2.0
// Swiftlet: manifests on disk and on standard input.

import FoundationEssentials
import Glibc
import KubernetesAPI

extension Manifests {
    // LIMIT: files taken from folders in one call.
    private static let filesMax = 10_000
    private static let suffixes = [".yaml", ".yml", ".json"]

    /// Reads manifests from files, from folders (`*.yaml`, `*.yml`, `*.json` in sorted order; with `recursive` the
    /// folders below as well) and, for `-`, from `standardInput`.
    ///
    /// Relative module paths start from the folder of their file, and from the current folder for standard input.
    public static func load(
        paths: [String], recursive: Bool = false, namespace: String? = nil, strictness: Strictness = .strict,
        standardInput: () -> [UInt8] = readStandardInput
    ) -> LoadResult {
        var result = LoadResult()
        let current = FileManager.default.currentDirectoryPath
        for path in paths {
            var options = Options(strictness: strictness, namespace: namespace, directory: current)
            if path == "-" {
                result.append(read(standardInput(), file: "-", options: options))
                continue
            }
            switch files(at: path, recursive: recursive) {
            case .failure(let diagnostic): result.errors.append(diagnostic)
            case .success(let files):
                for file in files {
                    options.directory = folder(of: file, current: current)
                    result.append(readFile(file, options: options))
                }
            }
        }
        reportDuplicates(in: &result)
        if result.objects.isEmpty, result.errors.isEmpty {
            result.errors.append(
                problem("expected at least one object, found none", with: paths.joined(separator: ", ")))
        }
        return result
    }

    /// All of standard input, up to one byte over the size limit; empty when it cannot be read.
    public static func readStandardInput() -> [UInt8] {
        readAll(STDIN_FILENO) ?? []
    }

    /// Everything up to one byte over the size limit, so that reading a device or an endless pipe ends; `nil` on error.
    private static func readAll(_ descriptor: Int32) -> [UInt8]? {
        let limit = ReadLimits().bytesMax + 1
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &chunk, min(chunk.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }

    private static func problem(_ message: String, with file: String) -> Diagnostic {
        Diagnostic(file: file, mark: nil, error: FieldError(FieldPath(), .invalid, message))
    }

    private static func readFile(_ file: String, options: Options) -> LoadResult {
        var result = LoadResult()
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, let bytes = readAll(descriptor) else {
            let message = "cannot be read: \(String(cString: strerror(errno)))"
            result.errors.append(problem(message, with: file))
            return result
        }
        return read(bytes, file: file, options: options)
    }

    private static func folder(of file: String, current: String) -> String {
        let full = file.hasPrefix("/") ? file : current + "/" + file
        return String(full[..<(full.lastIndex(of: "/") ?? full.startIndex)])
    }

    private enum Files {
        case success([String])
        case failure(Diagnostic)
    }

    private static func files(at path: String, recursive: Bool) -> Files {
        var isFolder = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            return .failure(problem("no such file or folder", with: path))
        }
        guard isFolder else { return .success([path]) }
        let names =
            recursive
            ? try? FileManager.default.subpathsOfDirectory(atPath: path)
            : try? FileManager.default.contentsOfDirectory(atPath: path)
        guard let names else { return .failure(problem("folder cannot be read", with: path)) }
        let base = path.hasSuffix("/") ? path : path + "/"
        let files = names.filter { name in suffixes.contains { name.hasSuffix($0) } }.sorted().map { base + $0 }
        if files.isEmpty {
            let hint = recursive ? "" : " (-R also looks into the folders below)"
            return .failure(problem("folder holds no .yaml, .yml or .json file\(hint)", with: path))
        }
        guard files.count <= filesMax else {
            return .failure(problem("expected at most \(filesMax) files, found \(files.count)", with: path))
        }
        return .success(files)
    }

    /// The same object twice would silently win over the first.
    private static func reportDuplicates(in result: inout LoadResult) {
        var places: [String: LoadedObject] = [:]
        for loaded in result.objects where !loaded.object.metadata.name.isEmpty {
            let key = "\(loaded.object.metadata.namespace)/\(loaded.object.qualifiedName)"
            if let first = places[key] {
                let message =
                    "\(loaded.object.qualifiedName) is already defined at \(first.file):\(first.mark.line)"
                result.errors.append(
                    Diagnostic(
                        file: loaded.file, mark: loaded.mark, error: FieldError(FieldPath(), .duplicate, message)))
            } else {
                places[key] = loaded
            }
        }
    }
}
