// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what containerd and the shim binary exchange on stdin and stdout.
public import Protobuf

/// stdin of `start` from containerd 2.3 on.
public struct BootstrapParams: ProtobufMessage {
    public static let protobufName = "containerd.runtime.bootstrap.v1.BootstrapParams"
    public var instanceID = ""
    public var namespace = ""
    public var logLevel: Int32 = 0
    public var containerdVersion = ""
    public var ttrpcAddress = ""
    public var grpcAddress = ""
    public var containerdBinary = ""
    public var socketDirectory = ""

    public init() {}

    public init(
        instanceID: String, namespace: String = "", logLevel: Int32 = 0, containerdVersion: String = "",
        ttrpcAddress: String = "", grpcAddress: String = "", containerdBinary: String = "", socketDirectory: String = ""
    ) {
        self.instanceID = instanceID
        self.namespace = namespace
        self.logLevel = logLevel
        self.containerdVersion = containerdVersion
        self.ttrpcAddress = ttrpcAddress
        self.grpcAddress = grpcAddress
        self.containerdBinary = containerdBinary
        self.socketDirectory = socketDirectory
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: instanceID = try field.string()
        case 2: namespace = try field.string()
        case 3: logLevel = try field.int32()
        case 4: containerdVersion = try field.string()
        case 5: ttrpcAddress = try field.string()
        case 6: grpcAddress = try field.string()
        case 7: containerdBinary = try field.string()
        case 9: socketDirectory = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, instanceID)
        writer.string(2, namespace)
        writer.int32(3, logLevel)
        writer.string(4, containerdVersion)
        writer.string(5, ttrpcAddress)
        writer.string(6, grpcAddress)
        writer.string(7, containerdBinary)
        writer.string(9, socketDirectory)
    }
}

/// Version part of `RuntimeInfo`.
public struct RuntimeVersion: ProtobufMessage {
    public static let protobufName = "containerd.types.RuntimeVersion"
    public var version = ""
    public var revision = ""

    public init() {}

    public init(version: String, revision: String = "") {
        self.version = version
        self.revision = revision
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: version = try field.string()
        case 2: revision = try field.string()
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, version)
        writer.string(2, revision)
    }
}

/// stdout of `-info`.
public struct RuntimeInfo: ProtobufMessage {
    public static let protobufName = "containerd.types.RuntimeInfo"
    public var name = ""
    public var version: RuntimeVersion?
    public var options: AnyMessage?
    public var features: AnyMessage?

    public init() {}

    public init(name: String, version: RuntimeVersion? = nil, options: AnyMessage? = nil, features: AnyMessage? = nil) {
        self.name = name
        self.version = version
        self.options = options
        self.features = features
    }

    public mutating func decode(_ field: ProtobufField) throws(ProtobufError) {
        switch field.number {
        case 1: name = try field.string()
        case 2: version = try field.message(RuntimeVersion.self)
        case 3: options = try field.message(AnyMessage.self)
        case 4: features = try field.message(AnyMessage.self)
        default: break
        }
    }

    public func encode(into writer: inout ProtobufWriter) {
        writer.string(1, name)
        writer.message(2, version)
        writer.message(3, options)
        writer.message(4, features)
    }
}
