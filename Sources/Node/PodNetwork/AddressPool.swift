// SPDX-License-Identifier: Apache-2.0
// Swiftlet: hands out pod and service addresses of this instance's slice.

import Synchronization

/// The addresses of one instance. Thread-safe.
public final class AddressPool: Sendable {
    private struct Range {
        var first: UInt32
        var count: UInt32
        /// Offsets of addresses in use.
        var used: Set<UInt32> = []
        var next: UInt32 = 1

        /// Next fit: an address rests as long as possible before it is used again, so that a late packet or a client's
        /// cache does not meet a stranger.
        mutating func allocate() -> IPv4Address? {
            // The first address of a slice is nobody's, as in a subnet.
            guard used.count < Int(count) - 1 else { return nil }
            while used.contains(next) || next == 0 { next = (next + 1) % count }
            let offset = next
            used.insert(offset)
            next = (next + 1) % count
            return IPv4Address(rawValue: first + offset)
        }

        func offset(of address: IPv4Address) -> UInt32? {
            guard address.rawValue > first, address.rawValue - first < count else { return nil }
            return address.rawValue - first
        }
    }

    private let slice: NetworkSlice
    private let pods: Mutex<Range>
    private let services: Mutex<Range>

    public init(slice: NetworkSlice) {
        self.slice = slice
        let index = UInt32(slice.index)
        pods = Mutex(
            Range(
                first: NetworkSlice.podBase.rawValue + index * NetworkSlice.podsPerSlice,
                count: NetworkSlice.podsPerSlice))
        services = Mutex(
            Range(
                first: NetworkSlice.serviceBase.rawValue + index * NetworkSlice.servicesPerSlice,
                count: NetworkSlice.servicesPerSlice))
    }

    /// Takes a slice and makes its pool.
    public convenience init(lockDirectory: String, root: String, user: UInt32 = 0) throws(NetworkError) {
        self.init(slice: try NetworkSlice.acquire(lockDirectory: lockDirectory, root: root, user: user))
    }

    /// Leaves no trace of the slice after a clean end; see ``NetworkSlice/removeFile()``.
    public func removeFile() { slice.removeFile() }

    public func allocatePodAddress() throws(NetworkError) -> IPv4Address {
        guard let address = pods.withLock({ $0.allocate() }) else {
            throw NetworkError(.exhausted, "no pod address is left of \(NetworkSlice.podsPerSlice - 1)")
        }
        return address
    }

    public func allocateServiceAddress() throws(NetworkError) -> IPv4Address {
        guard let address = services.withLock({ $0.allocate() }) else {
            throw NetworkError(.exhausted, "no service address is left of \(NetworkSlice.servicesPerSlice - 1)")
        }
        return address
    }

    /// The lowest service address that is neither taken here nor listed; not taken yet. For a controller that keeps its
    /// own books in the store.
    public func freeServiceAddress(notIn inUse: Set<String>) -> String? {
        services.withLock { range in
            for offset in 1..<range.count where !range.used.contains(offset) {
                let text = IPv4Address(rawValue: range.first + offset).description
                if !inUse.contains(text) { return text }
            }
            return nil
        }
    }

    /// Marks the address of an adopted pod as used. False: it is not of this slice, or somebody has it.
    public func reservePodAddress(_ address: IPv4Address) -> Bool { reserve(address, in: pods) }
    public func reserveServiceAddress(_ address: IPv4Address) -> Bool { reserve(address, in: services) }

    public func releasePodAddress(_ address: IPv4Address) { release(address, in: pods) }
    public func releaseServiceAddress(_ address: IPv4Address) { release(address, in: services) }

    /// Whether the address is in this instance's part of the service range.
    public func ownsServiceAddress(_ address: IPv4Address) -> Bool {
        services.withLock { $0.offset(of: address) != nil }
    }

    private func reserve(_ address: IPv4Address, in range: borrowing Mutex<Range>) -> Bool {
        range.withLock { range in
            guard let offset = range.offset(of: address) else { return false }
            return range.used.insert(offset).inserted
        }
    }

    private func release(_ address: IPv4Address, in range: borrowing Mutex<Range>) {
        range.withLock { range in
            if let offset = range.offset(of: address) { range.used.remove(offset) }
        }
    }
}
