// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: a cache of its own for each test.
import Glibc
import Linux
import NativeCache
import NativeImage

struct CacheFailure: Error {
    var description: String
}

/// Calls `body` with a new cache, and a folder that is removed afterwards.
func withCache(byteCountMax: Int64 = 1 << 30, _ body: (NativeCache, String) throws -> Void) throws {
    var template = Array("/tmp/swiftlet-cache-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CacheFailure(description: "mkdtemp: \(errno)") }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { removeTree(folder) }
    try body(try NativeCache(making: "\(folder)/native", byteCountMax: byteCountMax), folder)
}

func removeTree(_ path: String) {
    for name in (try? Files.names(in: path)) ?? [] {
        if unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
    }
    rmdir(path)
}

func write(_ bytes: [UInt8], to path: String) throws {
    let file = try Files.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    try Descriptors.writeAll(file.rawValue, bytes)
}

func key(_ number: UInt8, level: String = "full") throws -> NativeCacheKey {
    guard let digest = ModuleDigest([UInt8](repeating: number, count: 32)) else {
        throw CacheFailure(description: "32 bytes are a digest")
    }
    return NativeCacheKey(module: digest, abiVersion: 4, compilerVersion: 1, level: level)
}

/// An image of a module with that digest and code of so many bytes.
func image(_ key: NativeCacheKey, textBytes: Int = 100, abiVersion: UInt32? = nil) throws -> [UInt8] {
    var writer = NativeImageWriter(
        abiVersion: abiVersion ?? key.abiVersion, architecture: .current, moduleDigest: key.module, moduleByteCount: 8,
        processorFeatures: "", options: key.level)
    writer.text = [UInt8](repeating: 0xC3, count: textBytes)
    return try writer.encoded()
}

/// Writes and commits an entry.
func add(_ key: NativeCacheKey, _ bytes: [UInt8]? = nil, to cache: NativeCache) throws {
    guard case .begun(let writer) = try cache.begin(key) else {
        throw CacheFailure(description: "\(key) is there or taken")
    }
    try Descriptors.writeAll(writer.descriptor, try bytes ?? image(key))
    try writer.commit()
}

/// Whether there is such an entry, or one of another of these levels.
func has(_ cache: NativeCache, _ key: NativeCacheKey, levels: [String]? = nil) throws -> Bool {
    if let levels { return try cache.open(key, levels: levels) != nil }
    return try cache.open(key) != nil
}
