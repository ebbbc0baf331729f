// SPDX-License-Identifier: Apache-2.0
// Swiftlet: state Starting: one attempt of one container, up to its first instruction.

import KubernetesAPI
import OCI
import ObjectStore
import PodNetwork

extension PodWorker {
    /// Writes the bundle, creates and starts the container.
    ///
    /// - Throws: `NodeError` when the manifest cannot be carried out, `ShimError` when the shim refuses.
    func start(_ container: Container) async throws {
        guard let record = records[container.name], let image = images[container.name] else { return }
        let attempt = record.attempt
        let bundle = paths.bundle(container.name, attempt)
        let root = try await makeRoot(container, image, bundle)
        try writeBundle(container, image, root, bundle)
        try await compileFirst(container, bundle)
        let shim = try await currentShim()
        let id = record.taskID
        let log = paths.log(container.name, attempt)
        try FileTree.makeDirectories("\(paths.logs)/\(container.name)")
        try await shim.create(
            id, bundle: bundle, stdout: logAddress(log, "stdout"), stderr: logAddress(log, "stderr"))
        let fullID = containerID(id)
        change(container.name) { $0.containerID = fullID }
        self.record(.normal, "Created", "Created container: \(container.name)", container: container.name)
        try await shim.start(id)
        let engine = RunningEngine(bundle: bundle).map { " (\($0.phrase))" } ?? ""
        self.record(.normal, "Started", "Started container \(container.name)\(engine)", container: container.name)
        recordLaunchWarnings(container.name, bundle)
        removeOldAttempts(container.name, before: attempt - 1)
    }

    /// What of the wall and the limits this machine or user could not give, as the shim found at the start.
    private func recordLaunchWarnings(_ container: String, _ bundle: String) {
        // LIMIT: the shim writes at most 64 warnings.
        guard let bytes = FileTree.read("\(bundle)/warnings", limit: 65_536) else { return }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let isOfCode = line.hasSuffix("; the interpreter runs")
            record(.warning, isOfCode ? "NativeCodeUnusable" : "ReducedIsolation", String(line), container: container)
        }
    }

    /// What the guest finds as `/`: the image's files themselves when it cannot write to them, else a copy.
    private func makeRoot(
        _ container: Container, _ image: LocalImage, _ bundle: String
    ) async throws(NodeError) -> RootSpec? {
        guard let path = image.rootPath else { return nil }
        if container.securityContext?.readOnlyRootFilesystem == true { return RootSpec(path: path, isReadOnly: true) }
        try FileTree.makeDirectories(bundle, mode: 0o700)
        try await NodeImages.copyRoot(from: path, to: "\(bundle)/rootfs")
        return RootSpec(path: "rootfs")
    }

    private func logAddress(_ path: String, _ stream: String) -> String {
        "cri://\(path)?stream=\(stream)&maxSize=\(configuration.logBytesMax)&maxFiles=\(configuration.logFilesMax)"
    }

    private func writeBundle(
        _ container: Container, _ image: LocalImage, _ root: RootSpec?, _ bundle: String
    ) throws(NodeError) {
        // A pod finds the Services that were there before it.
        ServiceAddresses.assignAll(store: environment.store, pool: environment.pool)
        let services = environment.store.list(Service.self)
        let resolver = EnvironmentResolver(
            context: downwardContext, source: configSource,
            serviceVariables: ServiceDiscovery.environment(
                services: services, namespace: identity.namespace,
                enableServiceLinks: pod.spec.enableServiceLinks ?? true))
        let variables = try resolver.environment(of: container)
        var builder = BundleBuilder(
            pod: pod, container: container, image: image, environment: variables, volumePaths: volumePaths,
            podAddress: pod.spec.hostNetwork ? nil : podAddress, hostNames: hostNames(services),
            nameServers: pod.spec.dnsConfig?.nameservers ?? [],
            probeExports: Set((probeExports[container.name] ?? [:]).values).sorted(),
            cgroupsPath: "/swiftlet-\(configuration.instanceName)/pod\(identity.uid)/\(container.name)")
        builder.root = root
        environments[container.name] = builder.variables
        let spec = try builder.spec()
        try FileTree.makeDirectories(bundle, mode: 0o700)
        // What an interrupted start of this very attempt may have left.
        FileTree.remove("\(bundle)/exit.json")
        FileTree.remove("\(bundle)/warnings")
        FileTree.remove("\(bundle)/engine")
        try FileTree.write(spec.json.bytes, to: "\(bundle)/config.json", mode: 0o600)
    }

    private func hostNames(_ services: [Service]) -> [HostName] {
        let hostname = pod.spec.hostname.isEmpty ? identity.name : pod.spec.hostname
        let address = podAddress?.description ?? configuration.hostAddress.description
        var names = [HostName(name: "localhost", address: "127.0.0.1"), HostName(name: hostname, address: address)]
        for alias in pod.spec.hostAliases {
            names += alias.hostnames.map { HostName(name: $0, address: alias.ip) }
        }
        return names
            + ServiceDiscovery.hostNames(
                services: services, slices: environment.store.list(EndpointSlice.self),
                namespace: identity.namespace)
    }

    /// Keeps the last two attempts of a container: the current one, and the one before for `logs --previous`.
    private func removeOldAttempts(_ container: String, before oldest: Int) {
        for name in FileTree.names(in: "\(paths.logs)/\(container)") {
            let digits = name.prefix { $0 != "." }
            if let attempt = Int(digits), attempt < oldest { FileTree.remove("\(paths.logs)/\(container)/\(name)") }
        }
        for name in FileTree.names(in: paths.directory) where name.hasPrefix(container + "-") {
            guard let attempt = Int(name.dropFirst(container.count + 1)), attempt < oldest else { continue }
            FileTree.remove("\(paths.directory)/\(name)")
        }
    }
}
