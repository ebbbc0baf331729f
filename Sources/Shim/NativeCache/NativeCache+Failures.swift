// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what could not be compiled, remembered: a compiler that crashes at a module would crash at every start.

internal import Glibc
internal import Linux
public import NativeImage

/// Why there is no native code of a module.
public struct NativeFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public var description: String
    /// Whether the same compiler would fail at the same module again: it refused it, crashed, or took too much. Others
    /// (a full disk, somebody's `kill`) are over at some time.
    public var isLasting: Bool

    public init(_ description: String, isLasting: Bool) {
        self.description = description
        self.isLasting = isLasting
    }
}

extension NativeCache {
    // LIMIT: seconds until what may be over is tried again.
    static let passingFailureSeconds: Int64 = 600

    /// The failure that keeps the background from trying again; nil: none, or one that may be over. Another version of
    /// the compiler, and whoever asks for a module by name, tries again anyway.
    public func rememberedFailure(_ key: NativeCacheKey) -> NativeFailure? {
        let path = failurePath(key)
        guard let text = try? Files.readText(path, limit: 1 << 16) else { return nil }
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let isLasting = parts.first.map(String.init) == Self.lasting
        if !isLasting {
            var status = stat()
            guard lstat(path, &status) == 0,
                Int64(time(nil)) - Int64(status.st_mtim.tv_sec) < Self.passingFailureSeconds
            else { return nil }
        }
        return NativeFailure(parts.count > 1 ? String(parts[1]) : "", isLasting: isLasting)
    }

    /// Keeps the failure. That there is no room for it is no failure more.
    func remember(_ failure: NativeFailure, of key: NativeCacheKey) {
        let path = failurePath(key)
        let text = (failure.isLasting ? Self.lasting : "passing") + "\n" + failure.description
        guard let file = try? Files.open("\(path).part", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600),
            (try? Descriptors.writeAll(file.rawValue, text)) != nil
        else { return }
        rename("\(path).part", path)
    }

    public func forgetFailure(_ key: NativeCacheKey) { unlink(failurePath(key)) }

    /// - Parameter module: nil: all of them.
    public func forgetFailures(of module: ModuleDigest? = nil) {
        let prefix = module.map { "\($0)-" } ?? ""
        for name in (try? Files.names(in: "\(root)/failures")) ?? [] where name.hasPrefix(prefix) {
            unlink("\(root)/failures/\(name)")
        }
    }

    private static let lasting = "lasting"

    private func failurePath(_ key: NativeCacheKey) -> String { "\(root)/failures/\(key.fileName)" }
}
