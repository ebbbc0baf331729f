// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the module's file as memory.

import Glibc
import LaunchProtocol
import Linux
import Wasm

enum MappedModule {
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
