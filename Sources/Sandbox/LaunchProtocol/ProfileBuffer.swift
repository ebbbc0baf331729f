// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a sandbox tells about where its guest spends its time.

internal import Glibc
public import Linux

/// Memory that supervisor and sandbox share: a count per function of the module, 32 bits each, by function index.
///
/// The sandbox adds 1 when a function is called first and ``sampleWeight`` for each sample of the interpreter; the
/// supervisor reads at any time, also after the sandbox's end. The sandbox may be anybody's by then: what stands there
/// decides about the order in which functions are compiled and about nothing else.
public enum ProfileBuffer {
    /// A module has fewer functions than this (limit of the decoder).
    public static let functionCountMax = 1 << 20
    public static let byteCount = functionCountMax * 4
    /// What one sample adds; `ExecutionProfile.sampleWeight` of the engine.
    public static let sampleWeight: UInt32 = 16

    /// SEEK_DATA of lseek(2), which the C library names for GNU sources only.
    private static let seekData: Int32 = 3

    /// Fresh memory for one sandbox; pages that stay zero cost nothing.
    public static func create() throws(SystemError) -> OwnedDescriptor {
        try Files.memory(name: "profile", byteCount: byteCount)
    }

    /// The same as a file, for readers that are no relatives of who starts the sandbox. Whoever can write to its folder can
    /// end the sandbox by cutting it.
    public static func create(at path: String) throws(SystemError) -> OwnedDescriptor {
        let file = try Files.open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
        guard ftruncate(file.rawValue, off_t(byteCount)) == 0 else {
            throw SystemError(call: "ftruncate", path: path, errno: Errno.current)
        }
        return file
    }

    /// What is known now of a file that ``create(at:)`` has made.
    public static func read(at path: String) throws(SystemError) -> FunctionProfile {
        let file = try Files.open(path, O_RDONLY | O_NOFOLLOW)
        return try read(file.rawValue)
    }

    /// What is known now.
    public static func read(_ descriptor: Int32) throws(SystemError) -> FunctionProfile {
        var counts: [(function: UInt32, count: UInt32)] = []
        var offset = 0
        while offset < byteCount {
            // Only pages that were written to are looked at (lseek(2), SEEK_DATA).
            let start = lseek(descriptor, off_t(offset), seekData)
            if start < 0 {
                guard errno == ENXIO else { throw SystemError(call: "lseek", path: nil, errno: Errno.current) }
                break
            }
            offset = Int(start) & ~4095
            var page = [UInt32](repeating: 0, count: 1024)
            let count = page.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, 4096, off_t(offset)) }
            guard count >= 0 else { throw SystemError(call: "pread", path: nil, errno: Errno.current) }
            for index in 0..<(count / 4) where page[index] != 0 {
                counts.append((UInt32(offset / 4 + index), page[index]))
            }
            offset += 4096
        }
        return FunctionProfile(counts)
    }
}

/// Functions in the order in which native code of them is wanted.
public struct FunctionProfile: Sendable, Equatable {
    /// Function indices that were seen running, those with the most samples first.
    public var hot: [UInt32] = []
    /// Samples of each of `hot`.
    public var samples: [UInt32] = []
    /// Function indices that were called and never seen running, ascending.
    public var called: [UInt32] = []

    public init() {}

    init(_ counts: [(function: UInt32, count: UInt32)]) {
        let weight = ProfileBuffer.sampleWeight
        let sampled = counts.filter { $0.count >= weight }.sorted {
            $0.count / weight != $1.count / weight ? $0.count > $1.count : $0.function < $1.function
        }
        hot = sampled.map(\.function)
        samples = sampled.map { $0.count / weight }
        called = counts.filter { $0.count < weight }.map(\.function)
    }

    public var sampleCount: Int { samples.reduce(0) { $0 + Int($1) } }

    /// The fewest functions that together have `share` (0 to 1) of the samples, hottest first.
    public func hottest(share: Double) -> ArraySlice<UInt32> {
        let wanted = share * Double(sampleCount)
        var (sum, count) = (0.0, 0)
        while count < hot.count, sum < wanted {
            sum += Double(samples[count])
            count += 1
        }
        return hot[..<count]
    }
}
