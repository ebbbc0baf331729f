// SPDX-License-Identifier: Apache-2.0
// Swiftlet: digests of modules' files, remembered: reading 26 MB costs more than the rest of a start.

internal import Glibc
internal import Linux
public import NativeImage

extension NativeCache {
    // LIMIT: seconds. A file that was changed a moment ago may change again without another time of change.
    private static let settledSeconds: Int64 = 2

    /// What is remembered of the file; nil for one that nobody asked ``digest(of:)`` about, or that changed since.
    public func rememberedDigest(of descriptor: Int32) -> ModuleDigest? {
        guard let status = try? Descriptors.status(descriptor),
            let text = try? Files.linkTarget(path(ofFile: status))
        else { return nil }
        return ModuleDigest(hexadecimal: text)
    }

    /// The digest of a module's file, remembered for the next time.
    public func digest(of descriptor: Int32) throws(NativeCacheError) -> ModuleDigest {
        if let known = rememberedDigest(of: descriptor) { return known }
        do {
            let now = Int64(time(nil))
            let before = try Descriptors.status(descriptor)
            let digest = try ModuleDigest.of(file: descriptor)
            let after = try Descriptors.status(descriptor)
            let path = path(ofFile: before)
            if path == self.path(ofFile: after) && now - Int64(before.st_ctim.tv_sec) >= Self.settledSeconds {
                // Another process may have been first; a full disk is no reason to fail.
                _ = symlink("\(digest)", path)
            }
            return digest
        } catch { throw .system(error) }
    }

    /// A name that no other content of a file has: the time of change cannot be set, and moves with every change.
    private func path(ofFile status: stat) -> String {
        let numbers = [
            UInt64(status.st_dev), UInt64(status.st_ino), UInt64(bitPattern: Int64(status.st_size)),
            UInt64(bitPattern: Int64(status.st_mtim.tv_sec)), UInt64(bitPattern: Int64(status.st_mtim.tv_nsec)),
            UInt64(bitPattern: Int64(status.st_ctim.tv_sec)), UInt64(bitPattern: Int64(status.st_ctim.tv_nsec)),
        ]
        return "\(root)/digests/" + numbers.map { String($0, radix: 16) }.joined(separator: "-")
    }
}
