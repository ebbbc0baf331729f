// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the allocator of a process with several threads.
internal import CLinux

public enum Heaps {
    /// How many heaps malloc(3) may have for threads, `count` > 0; without this, glibc looks into /sys for the number
    /// of processors when the ninth thread allocates.
    public static func limit(to count: Int32) { _ = swl_limit_heaps(count) }
}
