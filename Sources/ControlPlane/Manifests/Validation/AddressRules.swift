// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the syntax of IP addresses.

import Glibc

/// The syntax of addresses (inet_pton(3)).
enum AddressRules {
    static func isIPv4(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }

    static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, text, &address) == 1
    }
}
