// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a guest's descriptor number stands for.
internal import Glibc
internal import Linux

/// An open file, directory, stream or socket of the guest.
final class Descriptor {
    enum Kind: Equatable {
        case directory
        case regularFile
        /// Pipes, terminals, other devices.
        case stream
        case socket
    }

    var host: Int32
    let kind: Kind
    let fileType: FileType
    /// Base rights: what this descriptor may be used for.
    var rights: Rights
    /// What descriptors opened through this one may be used for at most.
    var inheriting: Rights
    var flags: FDFlags = []
    /// Nothing below this directory, nor this file, may be changed.
    var isReadOnly = false
    /// Set for preopened directories.
    var preopenPath: [UInt8]?
    /// 0–2 are shared with the supervisor: their host descriptors are neither closed nor reconfigured.
    var isStandard = false
    /// The host's description has O_NONBLOCK. Blocking, as the guest sees it, is done by `Waiter`.
    var isHostNonblocking = false
    /// Present when `kind` is `.socket`.
    var socket: SocketState?
    /// A description of our own for getdents64 (a preopened one may be shared, its position with it); -1: not open.
    private var listing: Int32 = -1

    init(host: Int32, kind: Kind, fileType: FileType, rights: Rights, inheriting: Rights = []) {
        self.host = host
        self.kind = kind
        self.fileType = fileType
        self.rights = rights
        self.inheriting = inheriting
    }

    deinit {
        if listing >= 0 { close(listing) }
        if host >= 0, !isStandard { close(host) }
    }

    /// Wraps one of the descriptors 0–2.
    static func standard(_ host: Int32) -> Descriptor? {
        var status = stat()
        guard fstat(host, &status) == 0 else { return nil }
        let type = FileType(mode: status.st_mode)
        let mode = fcntl(host, F_GETFL)
        var rights = Rights.stream
        if mode & O_ACCMODE == O_RDONLY { rights.remove(.fdWrite) }
        if mode & O_ACCMODE == O_WRONLY { rights.remove(.fdRead) }
        if type == .characterDevice, isatty(host) == 0 {
            // wasi-libc takes a character device without these rights for a terminal; /dev/null is none.
            rights.formUnion([.fdSeek, .fdTell])
        }
        let kind: Kind
        switch type {
        case .regularFile: kind = .regularFile
        case .socketStream: kind = .socket
        default: kind = .stream
        }
        let descriptor = Descriptor(host: host, kind: kind, fileType: type, rights: rights)
        descriptor.isStandard = true
        descriptor.isHostNonblocking = mode & O_NONBLOCK != 0
        if kind == .socket { descriptor.socket = SocketState(type: .stream, family: .unspecified) }
        return descriptor
    }

    static func preopen(_ preopen: PreopenedDirectory) -> Descriptor {
        let descriptor = Descriptor(
            host: preopen.descriptor, kind: .directory, fileType: .directory, rights: .directory,
            inheriting: .directoryInheriting)
        descriptor.isReadOnly = preopen.isReadOnly
        descriptor.preopenPath = Array(preopen.guestPath.utf8)
        return descriptor
    }

    /// A read must not block the thread outside of `Waiter`: true when the descriptor has to be polled before.
    var needsPoll: Bool { kind != .regularFile && kind != .directory && !isHostNonblocking }

    /// After a stop, reading ends as if the other side had closed: stdin, pipes, terminals. Sockets go on.
    var readingEndsOnStop: Bool { kind == .stream }

    /// The description that `fd_readdir` uses.
    func listingDescriptor() throws(Errno) -> Int32 {
        if listing < 0 {
            let opened = openBeneath(host, ".", flags: O_RDONLY | O_DIRECTORY)
            guard opened >= 0 else { throw Errno(host: -opened) }
            listing = opened
        }
        return listing
    }
}

/// The guest's descriptors: small numbers, lowest free one first.
struct DescriptorTable {
    private var slots: [Descriptor?] = []
    private let countMax: Int

    init(countMax: Int) { self.countMax = countMax }

    subscript(number: UInt32) -> Descriptor? {
        guard number < slots.count else { return nil }
        return slots[Int(number)]
    }

    /// Puts `descriptor` at the lowest free number; MFILE when the guest holds as many as it may.
    mutating func add(_ descriptor: Descriptor) throws(Errno) -> UInt32 {
        if let free = slots.firstIndex(where: { $0 == nil }) {
            slots[free] = descriptor
            return UInt32(free)
        }
        guard slots.count < countMax else { throw .tooManyFiles }
        slots.append(descriptor)
        return UInt32(slots.count - 1)
    }

    /// Appends, leaving a hole for nil, so that preopens keep their numbers.
    mutating func append(_ descriptor: Descriptor?) { slots.append(descriptor) }

    mutating func remove(_ number: UInt32) -> Descriptor? {
        guard number < slots.count else { return nil }
        defer { slots[Int(number)] = nil }
        return slots[Int(number)]
    }

    /// `fd_renumber`: `target` must be open and is closed.
    mutating func move(_ source: UInt32, to target: UInt32) throws(Errno) {
        guard let moved = self[source], self[target] != nil else { throw .badFile }
        guard source != target else { return }
        slots[Int(source)] = nil
        slots[Int(target)] = moved
    }
}
