// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet image`.

import ArgumentParser
import FoundationEssentials
import Glibc
import Images
import Registry

struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Build, pull, push and look at images.",
        discussion: """
            Images are kept in one store for all commands and pods of this machine: SWIFTLET_IMAGES, else \
            /var/lib/swiftlet/images for root and ~/.local/share/swiftlet/images for others. Credentials are those of \
            `docker login` and `podman login`; mirrors and certificates are set in /etc/swiftlet/registries.json.

            Examples:
              swiftlet image build app.wasm -t ghcr.io/team/app:1
              swiftlet image push ghcr.io/team/app:1
              swiftlet image pull ghcr.io/team/app:1
            """,
        subcommands: [
            ImagePullCommand.self, ImagePushCommand.self, ImageBuildCommand.self, ImageListCommand.self,
            ImageInspectCommand.self, ImageRemoveCommand.self, ImageLoadCommand.self, ImageSaveCommand.self,
        ])
}

/// Opens what the verbs work on.
struct ImageOptions: ParsableArguments {
    @Option(help: "Folder of the image store (also: environment SWIFTLET_IMAGES).")
    var store: String?

    private var environment: [String: String] { ProcessInfo.processInfo.environment }

    func openStore() throws -> ContentStore {
        try Self.telling { () throws(ImageError) in
            try ContentStore(root: store ?? ContentStore.standardRoot(environment))
        }
    }

    func openRegistry() throws -> Registry {
        let store = try openStore()
        return try Self.telling { () throws(ImageError) in try Registry.standard(store, environment) }
    }

    /// An image's failure as a command's.
    static func telling<Result>(_ body: () throws(ImageError) -> Result) throws -> Result {
        do { return try body() } catch { throw CommandFailure(error.message) }
    }

    static func name(_ text: String) throws -> ImageName {
        try telling { () throws(ImageError) in try ImageName(text) }
    }

    static func selection(_ platform: String?) throws -> PlatformSelection {
        guard let platform else { return .standard }
        return PlatformSelection([try telling { () throws(ImageError) in try Platform(platform) }])
    }
}
