// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a LaunchSpec as bytes.

extension LaunchSpec {
    /// `SWLS` in little-endian order.
    static let magic: UInt32 = 0x534C_5753
    /// Supervisor and sandbox come from one build; another version is refused, never guessed.
    static let version: UInt16 = 5

    /// The bytes of the spec; a spec that `init(decoding:)` would refuse is refused here.
    public func encoded() throws(ProtocolError) -> [UInt8] {
        try checkConsistency()
        var writer = ByteWriter()
        writer.write(Self.magic)
        writer.write(Self.version)
        writer.write(name)
        writer.write(moduleDescriptor)
        writer.write(nativeDescriptor)
        writer.write(profileDescriptor)
        writer.write(entrypoint)
        writer.write(arguments) { $0.write($1) }
        writer.write(environment) { $0.write($1) }
        writer.write(preopens, limit: ProtocolLimits.descriptorCountMax) {
            $0.write($1.descriptor)
            $0.write($1.guestPath)
            $0.write($1.isReadOnly)
        }
        network.encode(to: &writer)
        writer.write(limits.memoryBytes)
        writer.write(limits.callDepth)
        writer.write(limits.openFiles)
        writer.write(limits.fuel)
        writer.write(engine.rawValue)
        writer.write(features)
        writer.write(identity.user)
        writer.write(identity.group)
        writer.write(probeExports) { $0.write($1) }
        writer.write(endsWithSupervisor)
        return try writer.finish(limit: ProtocolLimits.specBytesMax)
    }

    public init(decoding bytes: [UInt8]) throws(ProtocolError) {
        guard bytes.count <= ProtocolLimits.specBytesMax else {
            throw ProtocolError("a spec of \(bytes.count) bytes, limit \(ProtocolLimits.specBytesMax)")
        }
        self = try bytes.span.withUnsafeBytes { (buffer) throws(ProtocolError) in
            var reader = ByteReader(buffer)
            let spec = try LaunchSpec(from: &reader)
            try reader.finish()
            return spec
        }
        try checkConsistency()
    }

    private init(from reader: inout ByteReader) throws(ProtocolError) {
        let magic = try reader.read(UInt32.self)
        guard magic == Self.magic else { throw ProtocolError("not a launch spec") }
        let version = try reader.read(UInt16.self)
        guard version == Self.version else {
            throw ProtocolError("launch protocol version \(Self.version) expected, found \(version)", offset: 4)
        }
        let name = try reader.readText()
        let module = try reader.read(Int32.self)
        let native = try reader.readOptional(Int32.self)
        let profile = try reader.readOptional(Int32.self)
        let entrypoint = try reader.readText()
        let arguments = try reader.readList { (reader) throws(ProtocolError) in try reader.readText() }
        let environment = try reader.readList { (reader) throws(ProtocolError) in try reader.readText() }
        let preopens = try reader.readList(limit: ProtocolLimits.descriptorCountMax) {
            (reader) throws(ProtocolError) in
            Preopen(
                descriptor: try reader.read(Int32.self), guestPath: try reader.readText(),
                isReadOnly: try reader.readBool())
        }
        let network = try NetworkGrant(from: &reader)
        let limits = GuestLimits(
            memoryBytes: try reader.read(UInt64.self), callDepth: try reader.read(UInt32.self),
            openFiles: try reader.read(UInt32.self), fuel: try reader.readOptional(UInt64.self))
        let engine = try reader.readCase(EngineChoice.self)
        let features = try reader.readText()
        let identity = Identity(
            user: try reader.readOptional(UInt32.self), group: try reader.readOptional(UInt32.self))
        let probes = try reader.readList { (reader) throws(ProtocolError) in try reader.readText() }
        self.init(
            name: name, moduleDescriptor: module, nativeDescriptor: native, profileDescriptor: profile,
            entrypoint: entrypoint, arguments: arguments,
            environment: environment, preopens: preopens, network: network, limits: limits, engine: engine,
            features: features, identity: identity, probeExports: probes, endsWithSupervisor: try reader.readBool())
    }

    /// All descriptors the spec hands over.
    public var descriptors: [Int32] {
        var all = [moduleDescriptor]
        if let nativeDescriptor { all.append(nativeDescriptor) }
        if let profileDescriptor { all.append(profileDescriptor) }
        for preopen in preopens { all.append(preopen.descriptor) }
        for listener in network.listeners { all.append(listener) }
        for socket in network.boundSockets { all.append(socket.descriptor) }
        return all
    }

    /// The sandbox's end of the control socket.
    public static let controlDescriptor: Int32 = 3

    /// What both sides assert: descriptors are above the control socket and named once; no NUL in a text that becomes
    /// a C string in the guest.
    func checkConsistency() throws(ProtocolError) {
        let descriptors = descriptors
        for (index, descriptor) in descriptors.enumerated() {
            guard descriptor > Self.controlDescriptor else {
                throw ProtocolError("descriptor \(descriptor) in a spec, expected 4 or more")
            }
            // At most 385 of them; a set would cost more in a process that has just begun.
            if descriptors[..<index].contains(descriptor) { throw ProtocolError("descriptor \(descriptor) twice") }
        }
        if identity.user == .max || identity.group == .max {
            throw ProtocolError("identity 4294967295 means \"unchanged\" to the kernel")
        }
        for text in arguments { try Self.checkNoNUL(text) }
        for text in environment { try Self.checkNoNUL(text) }
        for preopen in preopens { try Self.checkNoNUL(preopen.guestPath) }
    }

    private static func checkNoNUL(_ text: String) throws(ProtocolError) {
        if text.utf8.contains(0) { throw ProtocolError("a NUL byte in an argument, variable or path") }
    }
}

extension NetworkGrant {
    func encode(to writer: inout ByteWriter) {
        writer.write(isAllowed)
        writer.write(podAddress)
        writer.write(listeners, limit: ProtocolLimits.descriptorCountMax) { $0.write($1) }
        writer.write(boundSockets, limit: ProtocolLimits.descriptorCountMax) {
            $0.write($1.port)
            $0.write($1.descriptor)
        }
        writer.write(hosts) {
            $0.write($1.name)
            $0.write($1.address)
        }
        writer.write(nameServers) { $0.write($1) }
    }

    init(from reader: inout ByteReader) throws(ProtocolError) {
        let isAllowed = try reader.readBool()
        let podAddress = try reader.readOptional(UInt32.self)
        let listeners = try reader.readList(limit: ProtocolLimits.descriptorCountMax) {
            (reader) throws(ProtocolError) in try reader.read(Int32.self)
        }
        let boundSockets = try reader.readList(limit: ProtocolLimits.descriptorCountMax) {
            (reader) throws(ProtocolError) in
            BoundSocket(port: try reader.read(UInt16.self), descriptor: try reader.read(Int32.self))
        }
        let hosts = try reader.readList { (reader) throws(ProtocolError) in
            HostEntry(name: try reader.readText(), address: try reader.read(UInt32.self))
        }
        let nameServers = try reader.readList { (reader) throws(ProtocolError) in try reader.read(UInt32.self) }
        self.init(
            isAllowed: isAllowed, podAddress: podAddress, listeners: listeners, boundSockets: boundSockets,
            hosts: hosts, nameServers: nameServers)
    }
}
