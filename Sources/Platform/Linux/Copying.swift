// SPDX-License-Identifier: Apache-2.0
// Swiftlet: copying between files inside the kernel.
internal import CLinux

extension Descriptors {
    /// Copies `count` bytes between the files' current positions (copy_file_range(2)); file systems that can share them.
    ///
    /// - Throws: EIO where the source is shorter.
    public static func copy(_ count: Int, from source: Int32, to target: Int32) throws(SystemError) {
        var rest = count
        while rest > 0 {
            let copied = swl_copy_file_range(source, target, rest)
            guard copied > 0 else {
                // EIO is 5 on every Linux.
                let number = copied < 0 ? Int32(-copied) : 5
                if number == Errno.interrupted.rawValue { continue }
                throw SystemError(call: "copy_file_range", errno: Errno(rawValue: number))
            }
            rest -= copied
        }
    }
}
