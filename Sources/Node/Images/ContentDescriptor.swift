// SPDX-License-Identifier: Apache-2.0
// Swiftlet: descriptors: a reference to content by digest, size and type.

package import OCI

/// See: OCI image specification, descriptor.md.
public struct ContentDescriptor: Sendable, Hashable {
    public var mediaType: String
    public var digest: Digest
    /// In bytes.
    public var size: UInt64
    public var platform: Platform?
    public var annotations: [String: String]
    public var artifactType: String

    public init(
        mediaType: String, digest: Digest, size: UInt64, platform: Platform? = nil,
        annotations: [String: String] = [:], artifactType: String = ""
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
        self.annotations = annotations
        self.artifactType = artifactType
    }

    /// Of these bytes.
    public init(mediaType: String, content: [UInt8]) {
        self.init(mediaType: mediaType, digest: .of(content), size: UInt64(content.count))
    }

    init(_ reader: DocumentReader) throws(ImageError) {
        let digest = try reader.required("digest")
        do { self.digest = try Digest(digest.string()) } catch {
            throw ImageError(error.code, "\(digest.place): \(error.message)")
        }
        mediaType = try reader.text("mediaType")
        size = try reader.required("size").size()
        if let platform = try reader.member("platform") {
            self.platform = Platform(
                os: try platform.text("os"), architecture: try platform.text("architecture"),
                variant: try platform.text("variant"))
        }
        annotations = try reader.map("annotations")
        artifactType = try reader.text("artifactType")
    }

    package var json: JSON {
        .members([
            ("mediaType", .text(mediaType)), ("digest", .string(digest.description)), ("size", .integer(size)),
            (
                "platform",
                platform.map {
                    .members([
                        ("architecture", .string($0.architecture)), ("os", .string($0.os)),
                        ("variant", .text($0.variant)),
                    ])
                }
            ),
            ("annotations", .map(annotations)), ("artifactType", .text(artifactType)),
        ])
    }
}
