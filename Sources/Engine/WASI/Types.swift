// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the flag sets and enumerations of WASI preview 1 (witx, typenames).
internal import Glibc

/// What a descriptor may be used for.
public struct Rights: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    private init(bit: UInt64) { rawValue = 1 << bit }

    static let fdDatasync = Rights(bit: 0)
    static let fdRead = Rights(bit: 1)
    static let fdSeek = Rights(bit: 2)
    static let fdFdstatSetFlags = Rights(bit: 3)
    static let fdSync = Rights(bit: 4)
    static let fdTell = Rights(bit: 5)
    static let fdWrite = Rights(bit: 6)
    static let fdAdvise = Rights(bit: 7)
    static let fdAllocate = Rights(bit: 8)
    static let pathCreateDirectory = Rights(bit: 9)
    static let pathCreateFile = Rights(bit: 10)
    static let pathLinkSource = Rights(bit: 11)
    static let pathLinkTarget = Rights(bit: 12)
    static let pathOpen = Rights(bit: 13)
    static let fdReaddir = Rights(bit: 14)
    static let pathReadlink = Rights(bit: 15)
    static let pathRenameSource = Rights(bit: 16)
    static let pathRenameTarget = Rights(bit: 17)
    static let pathFilestatGet = Rights(bit: 18)
    static let pathFilestatSetSize = Rights(bit: 19)
    static let pathFilestatSetTimes = Rights(bit: 20)
    static let fdFilestatGet = Rights(bit: 21)
    static let fdFilestatSetSize = Rights(bit: 22)
    static let fdFilestatSetTimes = Rights(bit: 23)
    static let pathSymlink = Rights(bit: 24)
    static let pathRemoveDirectory = Rights(bit: 25)
    static let pathUnlinkFile = Rights(bit: 26)
    static let pollFdReadwrite = Rights(bit: 27)
    static let sockShutdown = Rights(bit: 28)
    static let sockAccept = Rights(bit: 29)

    /// What applies to a regular file.
    static let regularFile: Rights = [
        .fdDatasync, .fdRead, .fdSeek, .fdFdstatSetFlags, .fdSync, .fdTell, .fdWrite, .fdAdvise, .fdAllocate,
        .fdFilestatGet, .fdFilestatSetSize, .fdFilestatSetTimes, .pollFdReadwrite,
    ]
    /// What applies to a directory.
    static let directory: Rights = [
        .fdFdstatSetFlags, .fdSync, .fdDatasync, .pathCreateDirectory, .pathCreateFile, .pathLinkSource,
        .pathLinkTarget, .pathOpen, .fdReaddir, .pathReadlink, .pathRenameSource, .pathRenameTarget,
        .pathFilestatGet, .pathFilestatSetSize, .pathFilestatSetTimes, .fdFilestatGet, .fdFilestatSetTimes,
        .pathSymlink, .pathRemoveDirectory, .pathUnlinkFile, .pollFdReadwrite,
    ]
    /// What a directory may pass on to what is opened below it.
    static let directoryInheriting: Rights = directory.union(regularFile)
    /// What applies to a pipe, terminal or other device.
    static let stream: Rights = [
        .fdRead, .fdWrite, .fdFdstatSetFlags, .fdFilestatGet, .pollFdReadwrite, .fdSync, .fdDatasync,
    ]
    static let socket: Rights = [
        .fdRead, .fdWrite, .fdFdstatSetFlags, .fdFilestatGet, .pollFdReadwrite, .sockShutdown, .sockAccept,
    ]
}

struct FDFlags: OptionSet, Sendable {
    let rawValue: UInt16

    static let append = FDFlags(rawValue: 1)
    static let dsync = FDFlags(rawValue: 2)
    static let nonblock = FDFlags(rawValue: 4)
    static let rsync = FDFlags(rawValue: 8)
    static let sync = FDFlags(rawValue: 16)
    static let all = FDFlags(rawValue: 31)
    /// Fixed when the file is opened; Linux cannot change them afterwards.
    static let synchronized: FDFlags = [.dsync, .rsync, .sync]
}

struct OpenFlags: OptionSet {
    let rawValue: UInt16

    static let create = OpenFlags(rawValue: 1)
    static let directory = OpenFlags(rawValue: 2)
    static let exclusive = OpenFlags(rawValue: 4)
    static let truncate = OpenFlags(rawValue: 8)
    static let all = OpenFlags(rawValue: 15)
}

enum FileType: UInt8 {
    case unknown, blockDevice, characterDevice, directory, regularFile, socketDatagram, socketStream, symbolicLink

    init(mode: mode_t) {
        switch mode & S_IFMT {
        case S_IFBLK: self = .blockDevice
        case S_IFCHR: self = .characterDevice
        case S_IFDIR: self = .directory
        case S_IFREG: self = .regularFile
        case S_IFSOCK: self = .socketStream
        case S_IFLNK: self = .symbolicLink
        default: self = .unknown
        }
    }

    /// From `d_type` of a directory entry.
    init(directoryEntry type: UInt8) {
        // A d_type is the file type bits of a mode, shifted right by 12 (dirent.h, DTTOIF).
        self.init(mode: mode_t(type) << 12)
    }
}

/// Which of the two interfaces a module was built against. They differ in three layouts.
enum Snapshot {
    /// `wasi_unstable`, 2019.
    case zero
    /// `wasi_snapshot_preview1`.
    case preview1

    var subscriptionSize: UInt32 { self == .zero ? 56 : 48 }

    /// lseek(2)'s whence for the guest's.
    func hostWhence(_ whence: UInt32) -> Int32? {
        switch (self, whence) {
        case (.preview1, 0), (.zero, 2): SEEK_SET
        case (.preview1, 1), (.zero, 0): SEEK_CUR
        case (.preview1, 2), (.zero, 1): SEEK_END
        default: nil
        }
    }
}
