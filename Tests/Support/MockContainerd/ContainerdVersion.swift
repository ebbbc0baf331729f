// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: in what containerd's versions differ, seen from a shim.

import Protobuf
import TaskAPI

/// A minor version of containerd whose calls are followed.
///
/// See: containerd docs/runtime-v2.md and core/runtime/v2/{binary,shim,shim_load,task_manager}.go of each release.
public enum ContainerdVersion: String, Sendable, CaseIterable, Comparable {
    case v1_6 = "1.6"
    case v1_7 = "1.7"
    case v2_0 = "2.0"
    case v2_1 = "2.1"
    case v2_2 = "2.2"
    case v2_3 = "2.3"
    case v2_4 = "2.4"

    public static func < (left: Self, right: Self) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }

    /// Whether each Create is preceded by `SHIM -info`.
    var asksInformation: Bool { self >= .v2_2 }
    /// Whether stdin of `start` has BootstrapParams; before, it has the runtime options, if any.
    var sendsBootstrapParams: Bool { self >= .v2_3 }
    /// Whether it keeps the answer of `start` in the bundle itself. Older ones read the file that the shim has written.
    var writesBootstrapFile: Bool { self >= .v2_0 }
    /// Whether a task without processes is held for leaked when the daemon comes back.
    var asksPidsOnReload: Bool { self >= .v1_7 }

    /// What the shim finds in its environment beside the daemon's own.
    func environment(grpc: String, ttrpc: String, namespace: String) -> [String] {
        var entries = ["GOMAXPROCS=2", "TTRPC_ADDRESS=\(ttrpc)"]
        if self >= .v1_7 { entries += ["GRPC_ADDRESS=\(grpc)", "NAMESPACE=\(namespace)", "MAX_SHIM_VERSION=2"] }
        return entries
    }

    /// Reads what `start` has printed, as this version does.
    func address(printed output: [UInt8]) throws -> String {
        if self >= .v2_3, let result = try? BootstrapResult(protobuf: output) {
            guard !result.address.isEmpty else { throw MockFailure("start printed an empty BootstrapResult") }
            return result.address
        }
        let text = String(decoding: output, as: UTF8.self)
        guard text.hasPrefix("unix:///"), !text.contains(where: { $0.isWhitespace }) else {
            throw MockFailure("start printed \"\(text)\", which is no address")
        }
        return String(text.dropFirst(7))
    }
}

/// stdout of `start` as containerd 2.3 tries to read it first.
struct BootstrapResult: ProtobufMessage {
    static let protobufName = "containerd.runtime.bootstrap.v1.BootstrapResult"
    var version: Int32 = 0
    var address = ""
    var transport = ""

    init() {}

    mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: version = try field.int32()
        case 2: address = try field.string()
        case 3: transport = try field.string()
        default: break
        }
    }

    func encode(into writer: inout ProtobufWriter) {
        writer.int32(1, version)
        writer.string(2, address)
        writer.string(3, transport)
    }
}

/// What the mock could not go on with: a daemon would report it to its caller.
public struct MockFailure: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}
