// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: a folder of its own for a test, removed with the value.
import FoundationEssentials
import Glibc
import WASI

final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/swl-wasi-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXFailure(code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func makeDirectory(_ name: String) { mkdir("\(path)/\(name)", 0o755) }

    func write(_ name: String, _ text: String) {
        let file = Glibc.open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        close(file)
    }

    func link(_ name: String, to target: String) { symlink(target, "\(path)/\(name)") }

    func text(_ name: String) -> String? {
        (try? Data(contentsOf: URL(filePath: "\(path)/\(name)"))).map { String(decoding: $0, as: UTF8.self) }
    }

    func exists(_ name: String) -> Bool {
        var status = stat()
        return lstat("\(path)/\(name)", &status) == 0
    }

    /// For `PreopenedDirectory`, which takes it over.
    func open(_ name: String = ".") -> Int32 { Glibc.open("\(path)/\(name)", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
}

struct POSIXFailure: Error {
    var code: Int32
}

extension FakeGuest {
    /// A guest with `directory` as descriptor 3.
    convenience init(_ directory: TemporaryDirectory, _ name: String = ".", isReadOnly: Bool = false) {
        self.init(
            WASIConfiguration(preopens: [
                PreopenedDirectory(descriptor: directory.open(name), guestPath: "/", isReadOnly: isReadOnly)
            ]))
        self.directory = directory
    }
}

extension Result {
    var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
