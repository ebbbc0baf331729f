// SPDX-License-Identifier: Apache-2.0
// Swiftlet: where the tests find third-party conformance data, which is never copied into the repository.
import FoundationEssentials

/// The folder of shared test data: `SWIFTLET_SHARED`, or `../shared` beside the package.
public enum SharedData {
    public static let root: String =
        ProcessInfo.processInfo.environment["SWIFTLET_SHARED"] ?? packageRoot + "/../shared"

    /// The package's folder, found from this file's place in it.
    public static let packageRoot: String =
        #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }

    /// `path("testdata/programs")` is the absolute path of that folder.
    public static func path(_ relative: String) -> String { root + "/" + relative }

    public static var isPresent: Bool { FileManager.default.fileExists(atPath: path("testdata")) }

    /// The bytes of a shared file.
    public static func bytes(_ relative: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path(relative))))
    }

    /// Paths of all files below a shared folder, relative to ``root``, sorted; empty when there is no such folder.
    public static func files(under folder: String, withSuffix suffix: String) -> [String] {
        let found = try? FileManager.default.subpathsOfDirectory(atPath: path(folder))
        return (found ?? []).filter { $0.hasSuffix(suffix) }.sorted().map { folder + "/" + $0 }
    }
}
