// SPDX-License-Identifier: Apache-2.0
// Swiftlet: errno in words.

import Glibc

/// The errors that probes meet, in lower case; others by number.
func describe(errno code: CInt) -> String {
    switch code {
    case ECONNREFUSED: "connection refused"
    case ECONNRESET: "connection reset by peer"
    case EHOSTUNREACH: "no route to host"
    case ENETUNREACH: "network is unreachable"
    case ETIMEDOUT: "connection timed out"
    case EACCES, EPERM: "permission denied"
    case EMFILE, ENFILE: "too many open files"
    case EADDRNOTAVAIL: "cannot assign requested address"
    default: "errno \(code)"
    }
}
