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

    /// The digest of a module's file.
    ///
    /// - Parameter isRemembered: for the next time; pointless for a file that nobody will open again.
    public func digest(of descriptor: Int32, isRemembered: Bool = true) throws(NativeCacheError) -> ModuleDigest {
        if let known = rememberedDigest(of: descriptor) { return known }
        do {
            let reading = try FileReading(descriptor)
            let digest = try ModuleDigest.of(file: descriptor)
            if isRemembered { remember(digest, of: descriptor, since: reading) }
            return digest
        } catch { throw .system(error) }
    }

    /// A file as it was when somebody began to read it.
    struct FileReading {
        fileprivate let status: stat
        fileprivate let seconds: Int64

        init(_ descriptor: Int32) throws(SystemError) {
            seconds = Int64(time(nil))
            status = try Descriptors.status(descriptor)
        }
    }

    /// Remembers what was read, unless the file has changed meanwhile or may still change unseen.
    func remember(_ digest: ModuleDigest, of descriptor: Int32, since reading: FileReading) {
        guard let after = try? Descriptors.status(descriptor) else { return }
        let path = path(ofFile: reading.status)
        guard path == self.path(ofFile: after),
            reading.seconds - Int64(after.st_ctim.tv_sec) >= Self.settledSeconds
        else { return }
        // Another process may have been first; a full disk is no reason to fail.
        _ = symlink("\(digest)", path)
    }

    // MARK: - Sizes

    /// Whether there may be native code of a module of so many bytes. Never wrong when it says no.
    func mayHaveModule(ofBytes count: Int) -> Bool {
        (try? Files.linkTarget("\(root)/digests/size-\(count)")) != nil
    }

    func noteModule(ofBytes count: Int) { _ = symlink("module", "\(root)/digests/size-\(count)") }

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
