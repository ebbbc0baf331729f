// SPDX-License-Identifier: Apache-2.0
// Swiftlet: modules small enough to be written by hand (core specification §5).

import Glibc

/// A module with one function, exported as `_start`, and imports of type `() -> ()`.
enum TinyModule {
    static func bytes(imports: [(module: String, name: String)] = [], body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
        bytes += section(1, [1, 0x60, 0, 0])
        if !imports.isEmpty {
            bytes += section(
                2, imports.reduce([UInt8(imports.count)]) { $0 + text($1.module) + text($1.name) + [0, 0] })
        }
        bytes += section(3, [1, 0])
        bytes += section(7, [1] + text("_start") + [0, UInt8(imports.count)])
        let code = [0] + body + [0x0B]
        bytes += section(10, [1, UInt8(code.count)] + code)
        return bytes
    }

    private static func section(_ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
        precondition(payload.count < 128, "one byte of length is enough here")
        return [number, UInt8(payload.count)] + payload
    }

    private static func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
}

/// A directory that goes with its owner.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/swiftlet-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp/swiftlet-test-failed"
    }

    /// Writes a file and returns its path.
    func write(_ bytes: [UInt8], to name: String) -> String {
        let path = "\(path)/\(name)"
        guard let file = fopen(path, "w") else { return path }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        return path
    }

    deinit {
        guard let stream = opendir(path) else { return }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink("\(path)/\(name)") }
        }
        closedir(stream)
        rmdir(path)
    }
}
