// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the module's file as memory.

import Glibc
import LaunchProtocol
import Linux
import Wasm

enum MappedModule {
    // LIMIT: bytes in which imports are looked for; they are near the start of a module.
    private static let searchedByteCount = 1 << 20

    static let threadsFoundLate =
        "import wasi.thread-spawn: expected within the first \(searchedByteCount >> 10) KiB of the file, "
        + "where threads are allowed for before the module is read; found after them"

    /// Whether the module may want threads: the name of the import stands somewhere at its start. Bytes are compared and
    /// nothing is parsed, because this decides about the filter that must stand before the parser runs. Who has the
    /// name but not the import may create threads, which gives nothing that it has not.
    static func mentionsThreads(_ bytes: ModuleBytes) -> Bool {
        let name: StaticString = "thread-spawn"
        var rest = UnsafeRawBufferPointer(rebasing: bytes.buffer.prefix(searchedByteCount))
        while rest.count >= name.utf8CodeUnitCount, let base = rest.baseAddress,
            let found = memchr(base, Int32(name.utf8Start.pointee), rest.count)
        {
            rest = UnsafeRawBufferPointer(rebasing: rest[(UnsafeRawPointer(found) - base)...])
            if rest.count >= name.utf8CodeUnitCount, memcmp(found, name.utf8Start, name.utf8CodeUnitCount) == 0 {
                return true
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
        }
        return false
    }

    /// Maps the file, so that replicas share its pages, and closes the descriptor.
    ///
    /// Somebody who cuts the file while it runs ends the process with SIGBUS; nothing else can follow from it.
    static func map(_ descriptor: Int32, name: String) throws(LaunchFailure) -> ModuleBytes {
        defer { close(descriptor) }
        let status: stat
        do { status = try Descriptors.status(descriptor) } catch {
            throw LaunchFailure(stage: .module, message: "\(error)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw LaunchFailure(stage: .module, message: "the module is not a regular file")
        }
        let count = Int(status.st_size)
        guard count <= DecodingLimits.standard.moduleBytes else {
            throw LaunchFailure(
                stage: .module,
                message: "a module of \(count) bytes, limit \(DecodingLimits.standard.moduleBytes)")
        }
        // mmap refuses an empty range; the decoder has the words for an empty file.
        guard count > 0 else { return ModuleBytes([]) }
        guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw LaunchFailure(stage: .module, message: "mmap of the module: \(Errno.current)")
        }
        return ModuleBytes(taking: UnsafeRawBufferPointer(start: address, count: count)) { buffer in
            munmap(UnsafeMutableRawPointer(mutating: buffer.baseAddress), buffer.count)
        }
    }
}
