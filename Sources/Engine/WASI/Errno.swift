// SPDX-License-Identifier: Apache-2.0
// Swiftlet: WASI error codes, and how the kernel's become them.
internal import Glibc

/// The `errno` type of WASI preview 1 (witx, typenames), with the additions of WasmEdge's address resolution.
public enum Errno: UInt16, Error, Sendable, Equatable {
    case success = 0
    case tooBig, access, addressInUse, addressNotAvailable, addressFamilyNotSupported, again, already, badFile
    case badMessage, busy, canceled, child, connectionAborted, connectionRefused, connectionReset, deadlock
    case destinationAddressRequired, domain, quota, exists, fault, fileTooBig, hostUnreachable, identifierRemoved
    case illegalSequence, inProgress, interrupted, invalid, io, isConnected, isDirectory, loop, tooManyFiles
    case tooManyLinks, messageSize, multihop, nameTooLong, networkDown, networkReset, networkUnreachable
    case tooManyFilesInSystem, noBuffers, noDevice, noEntry, notExecutable, noLocks, noLink, noMemory, noMessage
    case noProtocolOption, noSpace, noSystemCall, notConnected, notDirectory, notEmpty, notRecoverable, notSocket
    case notSupported, notTerminal, noSuchDevice, overflow, ownerDead, notPermitted, pipe, protocolError
    case protocolNotSupported, protocolType, range, readOnlyFileSystem, invalidSeek, noProcess, stale, timedOut
    case textBusy, crossDevice, notCapable
    // WasmEdge: results of sock_getaddrinfo.
    case resolverAddressFamily = 77
    case resolverAgain, resolverBadFlags, resolverFailure, resolverFamily, resolverMemory, resolverNoData
    case resolverNoName, resolverService, resolverSocketType, resolverSystem
}

extension Errno {
    /// The WASI code of a Linux `errno` value; `io` for what WASI has no name for.
    init(host code: Int32) {
        self = code == 0 ? .success : Errno.byHostCode[code] ?? .io
    }

    /// The current `errno` of this thread.
    static var last: Errno { Errno(host: Glibc.errno) }

    private static let byHostCode: [Int32: Errno] = [
        E2BIG: .tooBig, EACCES: .access, EADDRINUSE: .addressInUse, EADDRNOTAVAIL: .addressNotAvailable,
        EAFNOSUPPORT: .addressFamilyNotSupported, EAGAIN: .again, EALREADY: .already, EBADF: .badFile,
        EBADMSG: .badMessage, EBUSY: .busy, ECANCELED: .canceled, ECHILD: .child, ECONNABORTED: .connectionAborted,
        ECONNREFUSED: .connectionRefused, ECONNRESET: .connectionReset, EDEADLK: .deadlock,
        EDESTADDRREQ: .destinationAddressRequired, EDOM: .domain, EDQUOT: .quota, EEXIST: .exists, EFAULT: .fault,
        EFBIG: .fileTooBig, EHOSTUNREACH: .hostUnreachable, EIDRM: .identifierRemoved, EILSEQ: .illegalSequence,
        EINPROGRESS: .inProgress, EINTR: .interrupted, EINVAL: .invalid, EIO: .io, EISCONN: .isConnected,
        EISDIR: .isDirectory, ELOOP: .loop, EMFILE: .tooManyFiles, EMLINK: .tooManyLinks, EMSGSIZE: .messageSize,
        EMULTIHOP: .multihop, ENAMETOOLONG: .nameTooLong, ENETDOWN: .networkDown, ENETRESET: .networkReset,
        ENETUNREACH: .networkUnreachable, ENFILE: .tooManyFilesInSystem, ENOBUFS: .noBuffers, ENODEV: .noDevice,
        ENOENT: .noEntry, ENOEXEC: .notExecutable, ENOLCK: .noLocks, ENOLINK: .noLink, ENOMEM: .noMemory,
        ENOMSG: .noMessage, ENOPROTOOPT: .noProtocolOption, ENOSPC: .noSpace, ENOSYS: .noSystemCall,
        ENOTCONN: .notConnected, ENOTDIR: .notDirectory, ENOTEMPTY: .notEmpty, ENOTRECOVERABLE: .notRecoverable,
        ENOTSOCK: .notSocket, EOPNOTSUPP: .notSupported, ENOTTY: .notTerminal, ENXIO: .noSuchDevice,
        EOVERFLOW: .overflow, EOWNERDEAD: .ownerDead, EPERM: .notPermitted, EPIPE: .pipe, EPROTO: .protocolError,
        EPROTONOSUPPORT: .protocolNotSupported, EPROTOTYPE: .protocolType, ERANGE: .range,
        EROFS: .readOnlyFileSystem, ESPIPE: .invalidSeek, ESRCH: .noProcess, ESTALE: .stale, ETIMEDOUT: .timedOut,
        ETXTBSY: .textBusy, EXDEV: .crossDevice,
    ]
}
