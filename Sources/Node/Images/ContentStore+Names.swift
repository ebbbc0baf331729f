// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what image names point to, and who uses what.

import Glibc
import Linux
import OCI

/// A name in the store.
public struct NamedImage: Sendable, Equatable {
    public var name: ImageName
    /// A manifest or an index.
    public var target: ContentDescriptor
    /// Seconds since 1970.
    public var updated: Int64
}

extension ContentStore {
    /// With a digest a tag says nothing more.
    private func namePath(_ name: ImageName) -> String {
        let key = name.digest.map { name.with(digest: $0).description } ?? name.description
        return "\(root)/names/\(Digest.of(Array(key.utf8)).hex).json"
    }

    /// Points a name to content that is in the store.
    public func setName(_ name: ImageName, to target: ContentDescriptor) throws(ImageError) {
        guard contains(target.digest) else {
            throw ImageError(.notFound, "image \(name): manifest \(target.digest) is not in the store")
        }
        let document = JSON.members([
            ("name", .string(name.description)), ("target", target.json), ("updated", .integer(time(nil))),
        ])
        try replaceFile(namePath(name), document.bytes)
    }

    /// What a name points to; nil: no such image.
    public func target(of name: ImageName) throws(ImageError) -> ContentDescriptor? {
        try readName(namePath(name))?.target
    }

    /// All names, sorted. A file that cannot be read is left out: it names nothing.
    public func names() throws(ImageError) -> [NamedImage] {
        let files = try storing { () throws(SystemError) in try Files.names(in: "\(root)/names") }
        var images: [NamedImage] = []
        for file in files where file.hasSuffix(".json") {
            if let image = try? readName("\(root)/names/\(file)") { images.append(image) }
        }
        return images.sorted { $0.name < $1.name }
    }

    /// Forgets a name. Its content goes with the next garbage collection. False: there was no such name.
    @discardableResult
    public func removeName(_ name: ImageName) throws(ImageError) -> Bool {
        if unlink(namePath(name)) == 0 { return true }
        guard errno == ENOENT else { throw .system("unlink", namePath(name)) }
        return false
    }

    private func readName(_ path: String) throws(ImageError) -> NamedImage? {
        guard let bytes = try readFile(path) else { return nil }
        let reader = try DocumentReader(parsing: bytes, name: path, limit: limits.documentBytes)
        return NamedImage(
            name: try ImageName(reader.required("name").string()),
            target: try ContentDescriptor(reader.required("target")),
            updated: try reader.member("updated")?.integer() ?? 0)
    }

    // MARK: - Leases

    /// Says that `id` uses an image, named or not, until `removeLease`. A lease outlives the process that took it.
    ///
    /// - Parameter id: letters, digits, `.`, `_` and `-`, at most 200 of them.
    public func addLease(_ id: String, on target: ContentDescriptor) throws(ImageError) {
        try replaceFile(try leasePath(id), JSON.members([("target", target.json)]).bytes)
    }

    public func removeLease(_ id: String) throws(ImageError) {
        let path = try leasePath(id)
        guard unlink(path) == 0 || errno == ENOENT else { throw .system("unlink", path) }
    }

    /// The ids of all leases.
    public func leases() throws(ImageError) -> [String] {
        try storing { () throws(SystemError) in try Files.names(in: "\(root)/leases") }
            .filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    func leaseTarget(_ id: String) throws(ImageError) -> ContentDescriptor? {
        guard let bytes = try readFile(try leasePath(id)) else { return nil }
        let reader = try DocumentReader(parsing: bytes, name: "lease \(id)", limit: limits.documentBytes)
        return try ContentDescriptor(reader.required("target"))
    }

    private func leasePath(_ id: String) throws(ImageError) -> String {
        let isName =
            !id.isEmpty && id.utf8.count <= 200
            && id.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || "._-".utf8.contains($0)
            }
        guard isName else {
            throw ImageError(.invalidName, "lease \"\(id.prefix(60))\": expected letters, digits, . _ -")
        }
        return "\(root)/leases/\(id).json"
    }

    // MARK: - Small files

    /// nil: there is none.
    private func readFile(_ path: String) throws(ImageError) -> [UInt8]? {
        do { return try Files.read(path, limit: limits.documentBytes) } catch {
            if error.errno == .noSuchFile { return nil }
            throw ImageError(error)
        }
    }

    /// The old content or the new one, whatever happens.
    private func replaceFile(_ path: String, _ bytes: [UInt8]) throws(ImageError) {
        var random: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &random) { randomBytes(into: $0) }
        let temporary = "\(path).\(String(random, radix: 16))"
        do {
            let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
            try Descriptors.writeAll(file.rawValue, bytes)
            _ = fdatasync(file.rawValue)
        } catch {
            unlink(temporary)
            throw ImageError(error)
        }
        guard rename(temporary, path) == 0 else {
            let error = ImageError.system("rename", path)
            unlink(temporary)
            throw error
        }
    }
}
