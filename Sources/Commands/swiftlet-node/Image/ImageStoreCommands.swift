// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet image list`, `inspect`, `rm`, `load` and `save`.

import ArgumentParser
import Images
import NativeCache
import OCI

struct ImageListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the images in the store.",
        discussion: """
            NATIVE is the native code that this machine has of the image's module: none, quick or full with its size, \
            or failed where the compiler gave up (`swiftlet compile` tries again and says why).

            Examples:
              swiftlet image list
              swiftlet image list -o json
            """, aliases: ["ls"])

    enum Output: String, ExpressibleByArgument, CaseIterable { case table, json, name }

    @OptionGroup var options: ImageOptions

    @Option(name: .shortAndLong, help: "Output: table (default), json or name.")
    var output: Output = .table

    func run() throws {
        let store = try options.openStore()
        let images = try ImageOptions.telling { () throws(ImageError) in try store.names() }
        var rows: [[String]] = [["NAME", "DIGEST", "PLATFORM", "KIND", "SIZE", "NATIVE"]]
        let cache = try? NativeCache(at: NativeCache.standardRoot)
        var values: [JSON] = []
        for named in images {
            // An image whose content is damaged is still listed: it can be removed.
            let image = try? store.image(named.name)
            let kind = image?.content.kind ?? "damaged"
            let native = image.map { NativeListing.state(of: $0, in: store, cache) } ?? ""
            let platform = image?.config.platform.description ?? ""
            rows.append([
                "\(named.name)", named.target.digest.short, platform == "/" ? "" : platform, kind,
                image.map { TransferView.size($0.size) } ?? "", native,
            ])
            values.append(
                .members([
                    ("name", .string("\(named.name)")), ("digest", .string("\(named.target.digest)")),
                    ("platform", .string(platform)), ("kind", .string(kind)),
                    ("sizeBytes", image.map { JSON.integer($0.size) }),
                    ("native", .string(native)), ("updated", .string(ImageDate.text(named.updated))),
                ]))
        }
        switch output {
        case .table: writeOutput(Self.table(rows))
        case .json: writeOutput(JSON.array(values).text + "\n")
        case .name: writeOutput(images.map { "\($0.name)\n" }.joined())
        }
    }

    static func table(_ rows: [[String]]) -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell
                if index < row.count - 1 { line += String(repeating: " ", count: widths[index] - cell.count + 3) }
            }
            return line + "\n"
        }.joined()
    }
}

struct ImageInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show an image's manifest and config as JSON.",
        discussion: "Example: swiftlet image inspect ghcr.io/team/app:1")

    @OptionGroup var options: ImageOptions

    @Argument(help: ArgumentHelp("The image.", valueName: "NAME"))
    var name: String

    func run() throws {
        let store = try options.openStore()
        let name = try ImageOptions.name(name)
        let text = try ImageOptions.telling { () throws(ImageError) in
            let image = try store.image(name)
            var members: [(String, JSON?)] = [
                ("name", .string("\(name)")), ("digest", .string("\(image.target.digest)")),
                ("manifestDigest", .string("\(image.descriptor.digest)")), ("kind", .string(image.content.kind)),
                ("sizeBytes", .integer(image.size)),
            ]
            members.append(("manifest", try Self.document(store, image.descriptor.digest)))
            members.append(("config", try Self.document(store, image.manifest.config.digest)))
            return JSON.members(members).text
        }
        writeOutput(text + "\n")
    }

    private static func document(_ store: ContentStore, _ digest: Digest) throws(ImageError) -> JSON? {
        let bytes = try store.read(digest)
        return try? JSON(parsing: bytes)
    }
}

struct ImageRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Forget images, and remove content that nothing needs any more.",
        discussion: """
            What running pods use stays until they end. Native code of modules that no image has any more goes, too.

            Examples:
              swiftlet image rm ghcr.io/team/app:1
              swiftlet image rm --all
            """)

    @OptionGroup var options: ImageOptions

    @Flag(help: "All images.")
    var all = false

    @Argument(help: ArgumentHelp("The images.", valueName: "NAME"))
    var names: [String] = []

    func validate() throws {
        guard all != !names.isEmpty else { throw ValidationError("expected names of images, or --all") }
    }

    func run() throws {
        let store = try options.openStore()
        var wanted = try names.map { try ImageOptions.name($0) }
        var missing: [String] = []
        if all { wanted = try ImageOptions.telling { () throws(ImageError) in try store.names().map(\.name) } }
        let native = NativeRemoval(of: wanted, in: store)
        try ImageOptions.telling { () throws(ImageError) in
            for name in wanted {
                if try store.removeName(name) { writeOutput("removed \(name)\n") } else { missing.append("\(name)") }
            }
            native.perform()
            // Partial downloads and blobs that somebody else adds just now are younger.
            guard let report = try store.collectGarbage(ageSeconds: 0) else {
                writeError("the store is in use: content is removed by the next rm\n")
                return
            }
            if report != CollectionReport() {
                writeOutput("freed \(TransferView.size(report.bytes)) in \(report.blobs + report.partials) blobs\n")
            }
        }
        guard missing.isEmpty else {
            throw CommandFailure(missing.map { "image \($0): not in the store" }.joined(separator: "\n"))
        }
    }
}

struct ImageLoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Take images from an OCI layout, an OCI archive or a docker archive.",
        discussion: """
            Examples:
              swiftlet image load app.tar
              swiftlet image load ./layout -t registry.example/app:1
            """)

    @OptionGroup var options: ImageOptions

    @Option(name: [.short, .long], help: "Name for the image, where the file holds one image.")
    var tag: String?

    @Argument(help: ArgumentHelp("The folder or file.", valueName: "PATH"))
    var path: String

    func run() throws {
        let store = try options.openStore()
        let name = try tag.map { try ImageOptions.name($0) }
        let names = try ImageOptions.telling { () throws(ImageError) in try LayoutImport(store).load(path, name: name) }
        writeOutput(names.map { "loaded \($0)\n" }.joined())
    }
}

struct ImageSaveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "save",
        abstract: "Write an image as an OCI layout or an archive.",
        discussion: """
            The archive is one that skopeo, podman, docker and containerd read.

            Examples:
              swiftlet image save app:1 archive:app.tar
              swiftlet image save app:1 layout:./layout
            """)

    @OptionGroup var options: ImageOptions

    @Argument(help: ArgumentHelp("The image.", valueName: "NAME"))
    var name: String

    @Argument(help: ArgumentHelp("archive:FILE or layout:FOLDER.", valueName: "TARGET"))
    var target: String

    func run() throws {
        let store = try options.openStore()
        let name = try ImageOptions.name(name)
        let (path, form) = try ImageBuildCommand.target(target)
        try ImageOptions.telling { () throws(ImageError) in try LayoutExport(store).save(name, to: path, as: form) }
    }
}
