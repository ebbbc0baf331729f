// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which functions a guest spends its time in.

import CInterpreter
import Glibc

/// Samples interpreted code, so that a compiler can take what is hot first.
///
/// The interpreter does not count: the kernel interrupts it after each interval of CPU time, and a signal handler looks
/// which function runs. A tick of 4 ms (Linux with HZ=250) gives 250 samples per second of CPU time, for about a
/// thousandth of it.
public enum ExecutionProfile {
    /// What one sample adds to a function's count.
    public static let sampleWeight = UInt32(sw_profile_sample_weight.rawValue)

    /// Counts into `counts[function index]` from now on, for every store of the process; a function that is called gets
    /// 1 when it is translated, each sample adds ``sampleWeight``. Before any code was translated, once per process, and
    /// before a filter forbids setitimer(2).
    ///
    /// - Parameters:
    ///   - counts: zeros; the memory must stay as long as the process.
    ///   - intervalMicroseconds: of the process's CPU time, less than a second; the kernel rounds up to its tick.
    /// - Returns: 0, or an errno: EBUSY when it has been started before.
    public static func start(_ counts: UnsafeMutableBufferPointer<UInt32>, intervalMicroseconds: UInt32 = 1000) -> Int32
    {
        let count = UInt32(clamping: counts.count)
        return sw_profile_start(counts.baseAddress, count, intervalMicroseconds) ? 0 : errno
    }
}
