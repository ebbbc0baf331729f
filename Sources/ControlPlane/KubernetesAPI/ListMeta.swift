// SPDX-License-Identifier: Apache-2.0
// Swiftlet: metadata of lists.

/// Version and paging of a list (meta/v1 ListMeta).
public struct ListMeta: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var resourceVersion: String
    @OmitEmpty public var `continue`: String
    public var remainingItemCount: Int64?

    public static var zero: Self { Self() }

    public init(resourceVersion: String = "", `continue`: String = "", remainingItemCount: Int64? = nil) {
        self.resourceVersion = resourceVersion
        self.continue = `continue`
        self.remainingItemCount = remainingItemCount
    }
}
