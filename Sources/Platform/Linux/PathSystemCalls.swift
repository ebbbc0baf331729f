// SPDX-License-Identifier: Apache-2.0
// Swiftlet: path resolution that cannot leave a directory, and raw directory reading.
internal import CLinux
internal import Glibc

/// Opens `path` below `directory` and nowhere else (openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS).
///
/// `..`, symbolic links and renames under way cannot lead outside: the kernel answers EXDEV. There is no fallback for
/// kernels without openat2 (ENOSYS), because user-space resolution can be raced.
/// - Parameter flags: open(2) flags; O_CLOEXEC is added.
/// - Parameter mode: permission bits for O_CREAT, otherwise 0.
/// - Returns: the descriptor, or the negated errno.
public func openBeneath(_ directory: Int32, _ path: UnsafePointer<CChar>, flags: Int32, mode: UInt32 = 0) -> Int32 {
    let resolveNoMagicLinks: UInt64 = 0x02
    let resolveBeneath: UInt64 = 0x08
    // LIMIT: the kernel answers EAGAIN when a rename races with "..", again and again if somebody provokes it.
    for _ in 0..<128 {
        let descriptor = swl_openat2(
            directory, path, UInt64(UInt32(bitPattern: flags | O_CLOEXEC)), UInt64(mode),
            resolveBeneath | resolveNoMagicLinks)
        if descriptor >= 0 { return descriptor }
        guard errno == EAGAIN || errno == EINTR else { return -errno }
    }
    return -EAGAIN
}

/// Reads raw `linux_dirent64` records (getdents64(2)).
/// - Returns: the number of bytes, 0 at the end of the directory, or the negated errno.
public func readDirectoryEntries(_ directory: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = swl_getdents64(directory, buffer.baseAddress, buffer.count)
    return count >= 0 ? count : Int(-errno)
}
