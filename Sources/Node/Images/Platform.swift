// SPDX-License-Identifier: Apache-2.0
// Swiftlet: platforms of images, and which one of an index to take.

/// `os/architecture[/variant]`.
public struct Platform: Sendable, Hashable, CustomStringConvertible {
    public var os: String
    public var architecture: String
    public var variant: String

    public init(os: String, architecture: String, variant: String = "") {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    public init(_ text: String) throws(ImageError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let isName = { (part: String) in
            !part.isEmpty && part.utf8.count <= 64
                && part.utf8.allSatisfy {
                    (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "._-".utf8.contains($0)
                }
        }
        guard (2...3).contains(parts.count), parts.allSatisfy(isName) else {
            throw ImageError(
                .invalidContent, "platform \"\(text.prefix(60))\": expected OS/ARCHITECTURE[/VARIANT], as in wasi/wasm")
        }
        self.init(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : "")
    }

    public static let wasi = Platform(os: "wasi", architecture: "wasm")

    public var isWasm: Bool { architecture.hasPrefix("wasm") }

    public var description: String { "\(os)/\(architecture)" + (variant.isEmpty ? "" : "/\(variant)") }
}

/// Takes one platform out of those an index offers.
public struct PlatformSelection: Sendable {
    /// Best first.
    public var preferred: [Platform]

    public init(_ preferred: [Platform]) { self.preferred = preferred }

    /// Wasm before native: `wasi/wasm` and its spellings, then this machine's Linux, whose images may hold a module, too.
    public static let standard: PlatformSelection = {
        let systems = ["wasi", "wasip1", "wasip2"]
        let wasm = ["wasm", "wasm32"].flatMap { architecture in
            systems.map { Platform(os: $0, architecture: architecture) }
        }
        #if arch(arm64)
            let native = Platform(os: "linux", architecture: "arm64")
        #else
            let native = Platform(os: "linux", architecture: "amd64")
        #endif
        return PlatformSelection(wasm + [Platform(os: "js", architecture: "wasm"), native])
    }()

    /// The index of the best offer; nil where none fits. An offer without a platform fits last of all.
    public func best(_ offers: [Platform?]) -> Int? {
        for wanted in preferred {
            let match = offers.firstIndex { offer in
                offer.map { $0.os == wanted.os && $0.architecture == wanted.architecture } ?? false
            }
            if let match { return match }
        }
        return offers.firstIndex { $0 == nil }
    }
}
