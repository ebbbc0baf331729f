// SPDX-License-Identifier: Apache-2.0
// Swiftlet: why the cache of native code cannot be used.

public import Linux
public import NativeImage

public enum NativeCacheError: Error, Sendable, CustomStringConvertible {
    case system(SystemError)
    /// Somebody else could have written what lies there.
    case untrusted(path: String, problem: String)
    /// What the compiler gave is not what was asked for.
    case image(NativeImageError)
    /// The compiler tried before, and it will not be tried again.
    case hasFailed(NativeFailure)

    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .untrusted(let path, let problem): "\(path): not used: \(problem)"
        case .image(let error): "\(error)"
        case .hasFailed(let failure): "\(failure)"
        }
    }
}
