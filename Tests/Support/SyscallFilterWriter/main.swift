// SPDX-License-Identifier: Apache-2.0
// Swiftlet: writes Sources/Sandbox/CSyscallFilters/Filters.c to standard output. See hack/update-syscall-filters.sh.

import Confinement

print(
    """
    // SPDX-License-Identifier: Apache-2.0
    // Swiftlet: made by hack/update-syscall-filters.sh from SyscallPolicy.swift; a test compares the two.
    #include "CSyscallFilters.h"

    #include <linux/filter.h>

    static const struct sock_filter instructions[] = {
    """)
var places: [(grants: UInt32, first: Int, count: Int)] = []
var total = 0
for grants in SyscallGrants.kinds {
    let instructions = try Confinement.compileFilter(SyscallPolicy(grants: grants))
    places.append((grants.rawValue, total, instructions.count))
    total += instructions.count
    print("    // grants \(grants.rawValue)")
    for start in stride(from: 0, to: instructions.count, by: 6) {
        let row = instructions[start..<min(start + 6, instructions.count)].map { word in
            "{\(word & 0xFFFF), \(word >> 16 & 0xFF), \(word >> 24 & 0xFF), 0x\(String(word >> 32, radix: 16))},"
        }
        print("    " + row.joined(separator: " "))
    }
}
print(
    """
    };

    const void *swl_syscall_filter(unsigned grants, unsigned short *count) {
        static const struct {
            unsigned short first, count;
        } places[] = {
    """)
for place in places { print("        [\(place.grants)] = {\(place.first), \(place.count)},") }
print(
    """
        };
        *count = grants < sizeof places / sizeof places[0] ? places[grants].count : 0;
        return *count > 0 ? instructions + places[grants].first : NULL;
    }
    """)
