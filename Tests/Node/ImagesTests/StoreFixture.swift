// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: a store in a folder of its own, and archives made by hand.

import Glibc
import Images
import OCI
import Testing

/// A store that goes away with the value.
final class TestStore: Sendable {
    let folder: String
    let store: ContentStore

    init(limits: ImageLimits = ImageLimits()) throws {
        var template = Array("/tmp/swiftlet-images-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        store = try ContentStore(root: folder + "/store", limits: limits)
    }

    deinit { removeTree(folder) }

    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(folder)/\(name)"
        let file = try #require(fopen(path, "w"))
        bytes.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
        fclose(file)
        return path
    }

    /// An image of these layers (plain tars, unless said otherwise) under a name.
    func add(
        _ name: String, layers: [[UInt8]], diffIDs: [Digest]? = nil, config: ImageConfig? = nil,
        layerType: String = MediaType.layer
    ) throws -> ImageName {
        let name = try ImageName(name)
        var config = config ?? ImageConfig(platform: .wasi, entrypoint: ["/app.wasm"])
        config.diffIDs = diffIDs ?? layers.map(Digest.of)
        let bytes = config.bytes
        try store.add(bytes)
        for layer in layers { try store.add(layer) }
        let manifest = ImageManifest(
            config: ContentDescriptor(mediaType: MediaType.config, content: bytes),
            layers: layers.map { ContentDescriptor(mediaType: layerType, content: $0) }
        ).bytes
        try store.add(manifest)
        try store.setName(name, to: ContentDescriptor(mediaType: MediaType.manifest, content: manifest))
        return name
    }

    func unpack(_ layers: [[UInt8]]) throws -> String {
        try store.unpack(store.image(add("localhost/test:1", layers: layers)))
    }
}

func removeTree(_ path: String) {
    guard let directory = opendir(path) else {
        unlink(path)
        return
    }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != ".." { names.append(name) }
    }
    closedir(directory)
    for name in names {
        var information = stat()
        lstat("\(path)/\(name)", &information)
        if information.st_mode & S_IFMT == S_IFDIR { removeTree("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
    }
    rmdir(path)
}

func readFile(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
}

func exists(_ path: String) -> Bool {
    var information = stat()
    return lstat(path, &information) == 0
}

/// A tar archive, header by header: also such as no tool would write.
struct TarText {
    var bytes: [UInt8] = []

    /// - Parameter size: what the header says, where it is not the content's.
    mutating func add(
        _ path: String, type: Character = "0", _ content: String = "", link: String = "", mode: Int = 0o644,
        size: Int? = nil
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int, _ length: Int) {
            for (index, byte) in text.utf8.prefix(length).enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: Int, _ digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        put(path, 0, 100)
        put(octal(mode, 7), 100, 8)
        put(octal(0, 7), 108, 8)
        put(octal(0, 7), 116, 8)
        put(octal(size ?? content.utf8.count, 11), 124, 12)
        put(octal(1_000_000_000, 11), 136, 12)
        put("        ", 148, 8)
        put(String(type), 156, 1)
        put(link, 157, 100)
        put("ustar", 257, 6)
        put("00", 263, 2)
        put(octal(block.reduce(0) { $0 + Int($1) }, 6) + "\0 ", 148, 8)
        bytes += block + Array(content.utf8)
        bytes += [UInt8](repeating: 0, count: (512 - content.utf8.count % 512) % 512)
    }

    mutating func pax(_ records: [(String, String)]) {
        var content = ""
        for (key, value) in records {
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count + 1
            while length != rest.utf8.count + "\(length)".utf8.count { length += 1 }
            content += "\(length)\(rest)"
        }
        add("pax", type: "x", content)
    }

    var end: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    static func of(_ files: [(String, String)]) -> [UInt8] {
        var tar = TarText()
        for (path, content) in files { tar.add(path, content) }
        return tar.end
    }
}

func code(_ body: () throws -> Void) -> ImageError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? ImageError)?.code
    }
}
