// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet image pull` and `push`.

import ArgumentParser
import Images
import Registry

struct ImagePullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Fetch an image from its registry.",
        discussion: """
            Of an image for several platforms the Wasm one is taken, else the one for this machine. An interrupted pull \
            goes on where it was.

            Examples:
              swiftlet image pull ghcr.io/team/app:1
              swiftlet image pull --platform linux/arm64 registry.example/tool
            """)

    @OptionGroup var options: ImageOptions

    @Option(help: "Platform to take, OS/ARCHITECTURE.")
    var platform: String?

    @Flag(name: [.short, .long], help: "Print the digest only.")
    var quiet = false

    @Argument(help: ArgumentHelp("The image.", valueName: "NAME"))
    var name: String

    func run() async throws {
        let registry = try options.openRegistry()
        let name = try ImageOptions.name(name)
        let selection = try ImageOptions.selection(platform)
        let view = TransferView(isQuiet: quiet)
        do throws(ImageError) {
            let image = try await registry.pull(name, selection) { view.show($0) }
            view.finish()
            writeOutput(quiet ? "\(image.target.digest)\n" : "\(name)@\(image.target.digest)\n")
        } catch {
            view.finish()
            throw CommandFailure(error.message)
        }
    }
}

struct ImagePushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Send an image to a registry.",
        discussion: """
            Examples:
              swiftlet image push ghcr.io/team/app:1
              swiftlet image push app:dev ghcr.io/team/app:1
            """)

    @OptionGroup var options: ImageOptions

    @Flag(name: [.short, .long], help: "Print the digest only.")
    var quiet = false

    @Argument(help: ArgumentHelp("The image in the store.", valueName: "NAME"))
    var name: String

    @Argument(help: ArgumentHelp("Its name in the registry, where that is another one.", valueName: "TARGET"))
    var target: String?

    func run() async throws {
        let registry = try options.openRegistry()
        let source = try ImageOptions.name(name)
        let target = try target.map { try ImageOptions.name($0) } ?? source
        let view = TransferView(isQuiet: quiet)
        do throws(ImageError) {
            let digest = try await registry.push(target, from: source) { view.show($0) }
            view.finish()
            writeOutput(quiet ? "\(digest)\n" : "\(target)@\(digest)\n")
        } catch {
            view.finish()
            throw CommandFailure(error.message)
        }
    }
}
