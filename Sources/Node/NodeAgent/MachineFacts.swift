// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the size of this machine.

import Glibc

enum MachineFacts {
    static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    static var memoryBytes: Int64 {
        Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    static var kernelVersion: String {
        String(
            decoding: FileTree.read("/proc/sys/kernel/osrelease", limit: 256)?.filter { $0 > 0x20 } ?? [], as: UTF8.self
        )
    }
}
