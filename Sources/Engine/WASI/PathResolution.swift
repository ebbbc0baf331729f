// SPDX-License-Identifier: Apache-2.0
// Swiftlet: guest paths become host descriptors, and never leave the directory they start from.
internal import Glibc
internal import Linux

/// A host descriptor that is closed with the value.
struct OwnedDescriptor: ~Copyable {
    let host: Int32

    deinit { close(host) }
}

/// The directory of a path's last component, and that component's name.
///
/// The *at system calls that get the name neither follow a symbolic link in it nor can it be `..`; so between
/// resolution and use nobody can lead the call elsewhere by swapping links.
struct ParentDirectory: ~Copyable {
    let host: Int32
    private let isOwned: Bool
    /// NUL-terminated. One trailing slash is kept: it makes the kernel insist on a directory.
    let name: [CChar]

    init(host: Int32, isOwned: Bool, name: [CChar]) {
        self.host = host
        self.isOwned = isOwned
        self.name = name
    }

    deinit { if isOwned { close(host) } }
}

private let slash = CChar(bitPattern: UInt8(ascii: "/"))
private let dot = CChar(bitPattern: UInt8(ascii: "."))

extension WASIContext {
    /// A directory descriptor with `rights` to start a path from; BADF, NOTDIR, NOTCAPABLE.
    func directory(_ number: UInt32, _ rights: Rights) throws(Errno) -> Descriptor {
        guard let descriptor = descriptors[number] else { throw .badFile }
        guard descriptor.kind == .directory else { throw .notDirectory }
        guard descriptor.rights.isSuperset(of: rights) else { throw .notCapable }
        return descriptor
    }

    /// Same, for an operation that changes something below it; ROFS.
    func writableDirectory(_ number: UInt32, _ rights: Rights) throws(Errno) -> Descriptor {
        let descriptor = try directory(number, rights)
        guard !descriptor.isReadOnly else { throw .readOnlyFileSystem }
        return descriptor
    }

    /// Opens a whole path (NUL-terminated). What would leave the directory is PERM.
    func open(_ path: [CChar], in directory: Descriptor, flags: Int32, mode: UInt32 = 0) throws(Errno) -> Int32 {
        if path[0] == 0 { throw .noEntry }
        if path[0] == slash { throw .notPermitted }
        let host = openBeneath(directory.host, path, flags: flags, mode: mode)
        if host == -EXDEV { throw .notPermitted }
        guard host >= 0 else { throw Errno(host: -host) }
        return host
    }

    /// Finds what `path` names, without any right to its content (O_PATH).
    func find(_ path: [CChar], in directory: Descriptor, follow: Bool) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(host: try open(path, in: directory, flags: openPathOnly | (follow ? 0 : O_NOFOLLOW)))
    }

    /// Resolves all but the last component.
    /// - Parameter dots: the error where the last component is `.` or `..`; they name no entry that could be made,
    ///   renamed or removed. A path that leaves the directory is PERM before that.
    func parent(of path: [CChar], in directory: Descriptor, dots: Errno) throws(Errno) -> ParentDirectory {
        if path[0] == 0 { throw .noEntry }
        if path[0] == slash { throw .notPermitted }
        var end = path.count - 1
        while end > 0, path[end - 1] == slash { end -= 1 }
        let hasTrailingSlash = end < path.count - 1
        var start = end
        while start > 0, path[start - 1] != slash { start -= 1 }
        var name = Array(path[start..<end])
        if name == [dot] || name == [dot, dot] {
            _ = try find(path, in: directory, follow: true)
            throw dots
        }
        if hasTrailingSlash { name.append(slash) }
        name.append(0)
        if start == 0 { return ParentDirectory(host: directory.host, isOwned: false, name: name) }
        let host = try open(Array(path[..<start]) + [0], in: directory, flags: openPathOnly | O_DIRECTORY)
        return ParentDirectory(host: host, isOwned: true, name: name)
    }

    /// A `lookupflags` argument: whether to follow a symbolic link in the last component.
    func follows(_ flags: UInt32) throws(Errno) -> Bool {
        guard flags <= 1 else { throw .invalid }
        return flags == 1
    }
}
