// SPDX-License-Identifier: Apache-2.0
// Swiftlet: addresses and slices.

import Glibc
import PodNetwork
import Testing

/// A fresh directory that goes when the test ends.
private func withDirectory(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/swiftlet-network-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
        Issue.record("mkdtemp failed")
        return
    }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try body(path)
    for slice in 0..<NetworkSlice.count { unlink("\(path)/slice-\(slice).lock") }
    for name in ["a/pods/x", "a/pods", "a"] { rmdir("\(path)/\(name)") }
    rmdir(path)
}

@Suite struct `An IPv4 address` {
    @Test func `reads what it writes`() {
        #expect(IPv4Address("127.64.0.1")?.rawValue == 0x7F40_0001)
        #expect(IPv4Address("127.64.0.1")?.description == "127.64.0.1")
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1..3.4", "a.b.c.d", "1.2.3.4 ", "+1.2.3.4"])
    func `refuses everything else`(text: String) {
        #expect(IPv4Address(text) == nil)
    }
}

@Suite struct `The address pool` {
    @Test func `gives instances different slices and a restarted instance its old one`() throws {
        try withDirectory { path in
            let first = try NetworkSlice.acquire(lockDirectory: path, root: "\(path)/a")
            do {
                let second = try NetworkSlice.acquire(lockDirectory: path, root: "\(path)/b")
                #expect(first.index == 0)
                #expect(second.index == 1)
            }
            let again = try NetworkSlice.acquire(lockDirectory: path, root: "\(path)/c")
            #expect(again.index == 1)
            #expect(first.index == 0)
        }
    }

    @Test func `leaves the slice of a killed instance alone while its pods may run`() throws {
        try withDirectory { path in
            // What a kill -9 leaves behind: the file with its owner, no lock, and a pod's directory.
            for name in ["a", "a/pods", "a/pods/x"] { mkdir("\(path)/\(name)", 0o700) }
            let descriptor = open("\(path)/slice-0.lock", O_RDWR | O_CREAT, 0o600)
            let owner = Array("\(path)/a".utf8)
            write(descriptor, owner, owner.count)
            close(descriptor)
            let other = try NetworkSlice.acquire(lockDirectory: path, root: "\(path)/b")
            #expect(other.index == 1)
            let restarted = try NetworkSlice.acquire(lockDirectory: path, root: "\(path)/a")
            #expect(restarted.index == 0)
        }
    }

    @Test func `gives different users different slices, as they do not see each other's locks`() throws {
        try withDirectory { path in
            let indexes = try ([0, 1000, 1001, 1002, 65534] as [UInt32]).map { user in
                try NetworkSlice.acquire(lockDirectory: path, root: "\(path)/r\(user)", user: user).index
            }
            #expect(indexes[0] == 0)
            for (one, other) in zip(indexes.sorted(), indexes.sorted().dropFirst()) { #expect(other - one >= 5) }
        }
    }

    @Test func `says so when all slices are taken`() throws {
        try withDirectory { path in
            var slices: [NetworkSlice] = []
            for index in 0..<NetworkSlice.count {
                slices.append(try NetworkSlice.acquire(lockDirectory: path, root: "\(path)/r\(index)"))
            }
            #expect(Set(slices.map(\.index)).count == NetworkSlice.count)
            #expect(throws: NetworkError.self) {
                try NetworkSlice.acquire(lockDirectory: path, root: "\(path)/one-too-many")
            }
            slices = []
        }
    }

    @Test func `gives every address once and again only after its release`() throws {
        try withDirectory { path in
            let pool = try AddressPool(lockDirectory: path, root: path)
            var seen: Set<IPv4Address> = []
            for _ in 0..<16_383 { seen.insert(try pool.allocatePodAddress()) }
            #expect(seen.count == 16_383)
            #expect(throws: NetworkError.self) { try pool.allocatePodAddress() }
            #expect(seen.min()?.description == "127.64.0.1")
            #expect(seen.max()?.description == "127.64.63.255")
            let one = IPv4Address(rawValue: 0x7F40_0107)
            #expect(!pool.reservePodAddress(one))
            pool.releasePodAddress(one)
            #expect(try pool.allocatePodAddress() == one)
            let service = try pool.allocateServiceAddress()
            #expect(service.description == "127.96.0.1")
            #expect(pool.ownsServiceAddress(service) && !pool.ownsServiceAddress(one))
        }
    }
}
