// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the filters that were made earlier answer as what libseccomp makes of the policy now.

import CSyscallFilters
import Confinement
import Testing

/// Runs a filter as the kernel does (seccomp(2), linux/filter.h), as far as libseccomp's filters go.
private struct FilterMachine {
    var instructions: [UInt64]

    /// The action for `data`, the 16 words of a struct seccomp_data; nil for an instruction that it does not know.
    func run(_ data: [UInt32]) -> UInt32? {
        var accumulator: UInt32 = 0
        var next = 0
        while next < instructions.count {
            let word = instructions[next]
            let operand = UInt32(truncatingIfNeeded: word >> 32)
            let isTaken: Bool
            next += 1
            switch word & 0xFFFF {
            case 0x20:
                accumulator = data[Int(operand / 4)]
                continue
            case 0x54:
                accumulator &= operand
                continue
            case 0x06: return operand
            case 0x05:
                next += Int(operand)
                continue
            case 0x15: isTaken = accumulator == operand
            case 0x25: isTaken = accumulator > operand
            case 0x35: isTaken = accumulator >= operand
            case 0x45: isTaken = accumulator & operand != 0
            default: return nil
            }
            next += Int(isTaken ? word >> 16 & 0xFF : word >> 24 & 0xFF)
        }
        return nil
    }

    func run(_ number: UInt32, architecture: UInt32 = 0xC000_003E, _ argument: Int, _ value: UInt64) -> UInt32? {
        var data = [number, architecture, 0, 0] + [UInt32](repeating: 0, count: 12)
        data[4 + 2 * argument] = UInt32(truncatingIfNeeded: value)
        data[5 + 2 * argument] = UInt32(truncatingIfNeeded: value >> 32)
        return run(data)
    }
}

private func ready(_ grants: SyscallGrants) -> FilterMachine? {
    var count: UInt16 = 0
    guard let address = swl_syscall_filter(grants.rawValue, &count) else { return nil }
    return FilterMachine(
        instructions: (0..<Int(count)).map { address.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) })
}

@Suite struct `A filter made earlier` {
    @Test(arguments: SyscallGrants.kinds) func `answers as the policy compiled now`(_ grants: SyscallGrants) throws {
        let policy = SyscallPolicy(grants: grants)
        let earlier = try #require(ready(grants), "run hack/update-syscall-filters.sh")
        let now = FilterMachine(instructions: try Confinement.compileFilter(policy))
        var values: Set<UInt64> = [0, 1, 1 << 32, .max]
        for condition in policy.rules.flatMap(\.conditions) {
            switch condition {
            case .equals(_, let value), .hasNone(_, let value), .atMost(_, let value):
                values.formUnion([value, value &+ 1, value &- 1, value | 1 << 32, value << 32])
            }
        }
        var differences: [String] = []
        for number: UInt32 in Array(0..<520) + [0x4000_0000, 0x4000_0018, .max] {
            for argument in 0..<6 {
                for value in values {
                    let (found, expected) = (earlier.run(number, argument, value), now.run(number, argument, value))
                    if found == nil || found != expected {
                        differences.append(
                            "call \(number), argument \(argument) is \(value): expected \(expected as Any), found \(found as Any)"
                        )
                    }
                }
            }
        }
        #expect(differences.prefix(3) == [], "Filters.c is not of this policy: run hack/update-syscall-filters.sh")
    }

    @Test(arguments: SyscallGrants.kinds) func `kills for what is not named, and for other architectures`(
        _ grants: SyscallGrants
    ) throws {
        let filter = try #require(ready(grants))
        #expect(filter.run(59, 0, 0) == 0x8000_0000)  // execve
        #expect(filter.run(24, 0, 0) == 0x7FFF_0000)  // sched_yield
        #expect(filter.run(24, architecture: 0x4000_0003, 0, 0) == 0x8000_0000)  // i386
        #expect(filter.run(0x4000_0018, 0, 0) == 0x8000_0000)  // x32
    }

    @Test func `exists for every policy that a launch can have`() {
        #expect(SyscallGrants.kinds.count == 18)
        #expect(
            [[], .network, SyscallGrants(rawValue: 64), SyscallGrants(rawValue: .max)].allSatisfy { ready($0) == nil })
    }
}
