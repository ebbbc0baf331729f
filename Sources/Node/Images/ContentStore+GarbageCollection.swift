// SPDX-License-Identifier: Apache-2.0
// Swiftlet: removes what no name and no lease needs.

import Glibc
import Linux

/// What a garbage collection did.
public struct CollectionReport: Sendable, Equatable {
    public var blobs = 0
    public var rootFileSystems = 0
    /// Half downloads that nobody went on with.
    public var partials = 0
    /// Bytes of the blobs and partials.
    public var bytes: UInt64 = 0

    public init() {}
}

extension ContentStore {
    // LIMIT: what is younger may be about to be named, or be a download that goes on soon.
    public static let collectionAgeSeconds: Int64 = 600

    /// Removes blobs, unpacked images and partial downloads that nothing needs and that are older than `ageSeconds`.
    ///
    /// - Returns: nil when somebody adds to the store just now; try later.
    public func collectGarbage(ageSeconds: Int64 = collectionAgeSeconds) throws(ImageError) -> CollectionReport? {
        guard let hold = try StoreHold("\(root)/lock", LOCK_EX | LOCK_NB) else { return nil }
        defer { withExtendedLifetime(hold) {} }
        var needed: Set<Digest> = []
        var targets = try names().map(\.target)
        for lease in try leases() {
            // One that cannot be read protects nothing: its owner would not know what it is, either.
            if let target = try? leaseTarget(lease) { targets.append(target) }
        }
        for target in targets { needed.formUnion(closure(of: target)) }
        var report = CollectionReport()
        try sweepBlobs(needed, ageSeconds, &report)
        try sweepPartials(ageSeconds, &report)
        try sweepRootFileSystems(rootKeys(needed), ageSeconds, &report)
        return report
    }

    private func rootKeys(_ needed: Set<Digest>) -> Set<String> {
        var keys: Set<String> = []
        for digest in needed {
            guard let size = size(of: digest), size <= UInt64(limits.documentBytes), let bytes = try? read(digest),
                bytes.first == UInt8(ascii: "{"),
                case .manifest(let manifest)? = try? ManifestDocument(
                    parsing: bytes, mediaType: "", name: "manifest", limits: limits)
            else { continue }
            let image = StoredImage(
                name: "", target: ContentDescriptor(mediaType: "", digest: digest, size: size),
                descriptor: ContentDescriptor(mediaType: "", digest: digest, size: size), manifest: manifest,
                config: ImageConfig(platform: .wasi), content: .rootFileSystem)
            keys.insert(image.rootKey)
        }
        return keys
    }

    private func sweepBlobs(_ needed: Set<Digest>, _ age: Int64, _ report: inout CollectionReport) throws(ImageError) {
        let directory = try Directory("\(root)/blobs/sha256")
        for name in try directory.names() {
            if let digest = try? Digest("sha256:\(name)"), needed.contains(digest) { continue }
            guard let information = directory.information(name), isOld(information, age) else { continue }
            try directory.remove(name)
            report.blobs += 1
            report.bytes += UInt64(information.st_size)
        }
    }

    private func sweepPartials(_ age: Int64, _ report: inout CollectionReport) throws(ImageError) {
        let directory = try Directory("\(root)/ingest")
        for name in try directory.names() {
            guard let information = directory.information(name), isOld(information, age) else { continue }
            try directory.remove(name)
            report.partials += 1
            report.bytes += UInt64(information.st_size)
        }
    }

    private func sweepRootFileSystems(
        _ needed: Set<String>, _ age: Int64, _ report: inout CollectionReport
    ) throws(ImageError) {
        let directory = try Directory("\(root)/rootfs")
        for name in try directory.names() where !needed.contains(name) {
            // A lock file of an image that stays is kept; without its image it means nothing.
            if name.hasSuffix(".lock"), needed.contains(String(name.dropLast(5))) { continue }
            guard let information = directory.information(name), isOld(information, age) else { continue }
            try directory.remove(name)
            if !name.contains(".") { report.rootFileSystems += 1 }
        }
    }

    /// By the time of the last change of the file itself: content keeps the modification time of its origin.
    private func isOld(_ information: stat, _ age: Int64) -> Bool {
        Int64(time(nil)) - Int64(information.st_ctim.tv_sec) >= age
    }
}
