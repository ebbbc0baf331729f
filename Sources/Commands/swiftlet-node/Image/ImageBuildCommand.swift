// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet image build`.

import ArgumentParser
import FoundationEssentials
import Images

struct ImageBuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Make an image of a module.",
        discussion: """
            The image holds the module as /APP.wasm and the files given, in one layer. The same inputs give the same \
            digest; SOURCE_DATE_EPOCH sets the date of creation. containerd, podman and skopeo take it from the archive \
            or from a registry.

            Examples:
              swiftlet image build app.wasm -t registry.example/app:1
              swiftlet image build app.wasm -t app --file ./site:/srv/site --env ROOT=/srv/site -- --port 8080
              swiftlet image build app.wasm -t app --output archive:app.tar
              swiftlet image build app.wasm -t ghcr.io/team/app:1 --format artifact
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case image, artifact }

    @OptionGroup var options: ImageOptions

    @Option(name: [.short, .long], help: "Name of the image.")
    var tag: String

    @Option(name: .long, help: "A file or folder for the image, SOURCE:DESTINATION; may be repeated.")
    var file: [String] = []

    @Option(name: [.short, .long], help: "Environment of the guest, NAME=VALUE; may be repeated.")
    var env: [String] = []

    @Option(help: "What to run, in place of the module; its parts separated by blanks, as in \"/app.wasm#serve\".")
    var entrypoint: String?

    @Option(name: .customLong("workdir"), help: "Working directory.")
    var workingDirectory: String = ""

    @Option(help: "User and group, numbers: UID[:GID].")
    var user: String = ""

    @Option(help: "A label, NAME=VALUE; may be repeated.")
    var label: [String] = []

    @Option(help: "OS/ARCHITECTURE of the image.")
    var platform: String = "wasi/wasm"

    @Option(help: "image (a tar layer) or artifact (a Wasm OCI artifact: the module alone).")
    var format: Format = .image

    @Option(help: "Also write it: layout:FOLDER or archive:FILE.")
    var output: String?

    @Argument(help: ArgumentHelp("The module.", valueName: "APP.wasm"))
    var module: String

    @Argument(parsing: .postTerminator, help: ArgumentHelp("Default arguments of the guest.", valueName: "ARG"))
    var arguments: [String] = []

    func run() throws {
        let store = try options.openStore()
        let name = try ImageOptions.name(tag)
        let target = try output.map(Self.target)
        var builder = ImageBuilder(module: module, format: format == .artifact ? .artifact : .image)
        builder.config = try configuration()
        builder.files = try file.map { text -> ImageBuilder.AddedFile in
            // The last colon: a source may have one, a place in an image should not.
            guard let colon = text.lastIndex(of: ":"), colon != text.startIndex else {
                throw CommandFailure("--file \"\(text)\": expected SOURCE:DESTINATION")
            }
            return .init(source: String(text[..<colon]), destination: String(text[text.index(after: colon)...]))
        }
        let descriptor = try ImageOptions.telling { () throws(ImageError) in
            try builder.build(into: store, name: name)
        }
        if let (path, form) = target {
            try ImageOptions.telling { () throws(ImageError) in
                try LayoutExport(store).save(name, to: path, as: form)
            }
        }
        writeOutput("\(name)@\(descriptor.digest)\n")
    }

    static func target(_ text: String) throws -> (path: String, form: LayoutExport.Form) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else {
            throw CommandFailure("\"\(text)\": expected layout:FOLDER or archive:FILE")
        }
        switch parts[0] {
        case "layout", "oci": return (String(parts[1]), .folder)
        case "archive", "oci-archive": return (String(parts[1]), .archive)
        default: throw CommandFailure("\"\(text)\": expected layout:FOLDER or archive:FILE")
        }
    }

    private func configuration() throws -> ImageConfig {
        let place = try ImageOptions.telling { () throws(ImageError) in try Platform(platform) }
        var config = ImageConfig(platform: place, workingDirectory: workingDirectory, user: user)
        for variable in env {
            guard let equals = variable.firstIndex(of: "="), equals != variable.startIndex else {
                throw CommandFailure("--env \"\(variable)\": expected NAME=VALUE")
            }
        }
        config.environment = env
        config.command = arguments
        config.entrypoint = entrypoint?.split(separator: " ").map(String.init) ?? []
        guard workingDirectory.isEmpty || workingDirectory.hasPrefix("/") else {
            throw CommandFailure("--workdir \"\(workingDirectory)\": expected an absolute path")
        }
        for text in label {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw CommandFailure("--label \"\(text)\": expected NAME=VALUE")
            }
            config.labels[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        if let text = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"] {
            guard let seconds = Int64(text), seconds >= 0 else {
                throw CommandFailure("SOURCE_DATE_EPOCH \"\(text)\": expected seconds since 1970")
            }
            config.created = ImageDate.text(seconds)
        }
        return config
    }
}
