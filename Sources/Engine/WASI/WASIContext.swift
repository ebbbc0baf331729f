// SPDX-License-Identifier: Apache-2.0
// Swiftlet: WASI preview 1 as a host module.
internal import Glibc
public import Wasm

/// The system as one guest sees it: its arguments, descriptors and sockets, and the functions over them.
///
/// Serves the import modules `wasi_snapshot_preview1` (with the WasmEdge socket extension) and `wasi_unstable`.
/// Not thread-safe: it belongs to the guest's thread, unless ``allowThreads()`` was called.
public final class WASIContext: HostModule {
    let arguments: [[UInt8]]
    let environment: [[UInt8]]
    let network: NetworkAccess
    let waiter: Waiter
    var descriptors: DescriptorTable
    /// Bound sockets of the supervisor that the guest has not taken yet.
    var boundSockets: [(port: UInt16, descriptor: Int32)]
    /// A sleep was ended by the stop already; see `pollOneoff`.
    var hasEndedSleep = false

    /// Takes over the descriptors in `configuration`. The standard descriptors are found as they are.
    ///
    /// SIGPIPE is ignored from now on in this process: a guest has no signals, it gets the errno PIPE.
    public init(_ configuration: WASIConfiguration, waiter: Waiter = Waiter()) {
        func bytes(_ strings: [String]) -> [[UInt8]] { strings.map { Array($0.utf8.prefix { $0 != 0 }) + [0] } }
        arguments = bytes(configuration.arguments)
        environment = bytes(configuration.environment)
        network = configuration.network
        boundSockets = configuration.network.boundSockets
        self.waiter = waiter
        descriptors = DescriptorTable(countMax: configuration.descriptorCountMax)
        for standard in configuration.standardDescriptors { descriptors.append(Descriptor.standard(standard)) }
        for preopen in configuration.preopens { descriptors.append(.preopen(preopen)) }
        for listener in configuration.listeners { descriptors.append(.adopted(listener)) }
        signal(SIGPIPE, SIG_IGN)
    }

    /// A descriptor with at least `rights`; BADF, or NOTCAPABLE.
    func descriptor(_ number: UInt32, _ rights: Rights = []) throws(Errno) -> Descriptor {
        guard let descriptor = descriptors[number] else { throw .badFile }
        guard descriptor.rights.isSuperset(of: rights) else { throw .notCapable }
        return descriptor
    }

    /// A descriptor for reading, writing or positioning; a directory answers ISDIR as in POSIX.
    func file(_ number: UInt32, _ rights: Rights) throws(Errno) -> Descriptor {
        guard let descriptor = descriptors[number] else { throw .badFile }
        guard descriptor.kind != .directory else { throw .isDirectory }
        guard descriptor.rights.isSuperset(of: rights) else { throw .notCapable }
        return descriptor
    }

    // MARK: HostModule

    public var moduleNames: [String] { ["wasi_snapshot_preview1", "wasi_unstable"] }

    public func functionNames(inModule module: String) -> [String] {
        guard let snapshot = WASIContext.snapshot(ofModule: module) else { return [] }
        var names: [String] = []
        for function in Function.all where snapshot == .preview1 || !function.isExtension {
            let name = String(describing: function.name)
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    public func function(module: String, name: String, type: FunctionType) -> HostFunction? {
        guard let snapshot = WASIContext.snapshot(ofModule: module) else { return nil }
        for function in Function.all where function.isNamed(name) && function.matches(type) {
            guard snapshot == .preview1 || !function.isExtension else { continue }
            return function.hostFunction(of: self, snapshot: snapshot, type: type)
        }
        return nil
    }

    private static func snapshot(ofModule module: String) -> Snapshot? {
        switch module {
        case "wasi_snapshot_preview1": .preview1
        case "wasi_unstable": .zero
        default: nil
        }
    }
}
