// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a container of a pod as an OCI bundle; pure.

import KubernetesAPI
import OCI
import PodNetwork

/// Everything a container's config.json is made from.
struct BundleBuilder {
    var pod: Pod
    var container: Container
    var image: LocalImage
    var environment: [(name: String, value: String)]
    /// Host directory of each volume of the pod.
    var volumePaths: [String: String]
    /// nil with hostNetwork: the guest binds what it asks for.
    var podAddress: IPv4Address?
    var hostNames: [HostName]
    var nameServers: [String]
    var probeExports: [String]
    var cgroupsPath: String
    /// nil: the guest has no root.
    var root: RootSpec?

    /// Annotations of the pod that are passed on as they are.
    static let passedAnnotations = [SandboxAnnotations.Key.network, SandboxAnnotations.Key.engine]

    func spec() throws(NodeError) -> RuntimeSpec {
        let values = Dictionary(environment.map { ($0.name, $0.value) }) { _, last in last }
        let own = { (texts: [String]) in texts.map { EnvironmentResolver.expand($0, with: values) } }
        // Upstream's table: a command puts the image's entrypoint and arguments aside, arguments only the latter.
        let command = container.command.isEmpty ? image.entrypoint : own(container.command)
        let rest = container.args.isEmpty && container.command.isEmpty ? image.command : own(container.args)
        guard !(command + rest).isEmpty else {
            throw NodeError("CreateContainerError", "no command specified: neither the image nor the container has one")
        }
        var process = ProcessSpec(args: command + rest, env: variables.map { "\($0.name)=\($0.value)" })
        if !image.workingDirectory.isEmpty { process.cwd = image.workingDirectory }
        if !container.workingDir.isEmpty { process.cwd = container.workingDir }
        guard process.cwd.hasPrefix("/") else {
            throw .config("workingDir: expected an absolute path, found \"\(process.cwd)\"")
        }
        (process.uid, process.gid) = try identity()
        var spec = RuntimeSpec(
            process: process, root: root, hostname: hostname, mounts: try mounts(values),
            annotations: try annotations())
        spec.linux = LinuxSpec(
            resources: ResourceMapping.resources(of: container), cgroupsPath: cgroupsPath)
        return spec
    }

    /// The image's variables, and the container's over them.
    var variables: [(name: String, value: String)] {
        let own = Set(environment.map(\.name))
        return image.environment.filter { !own.contains($0.name) } + environment
    }

    private var hostname: String { pod.spec.hostname.isEmpty ? pod.metadata.name : pod.spec.hostname }

    private func identity() throws(NodeError) -> (UInt32, UInt32) {
        let asked = container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser
        let ofImage = asked == nil ? try imageIdentity() : (user: 0, group: 0)
        let user = asked ?? ofImage.user
        let group =
            container.securityContext?.runAsGroup ?? pod.spec.securityContext?.runAsGroup ?? ofImage.group
        let mustNotBeRoot =
            container.securityContext?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot ?? false
        guard let user = UInt32(exactly: user), let group = UInt32(exactly: group) else {
            throw .config("securityContext: runAsUser \(user) or runAsGroup \(group) is out of range")
        }
        if mustNotBeRoot, user == 0 {
            throw .config(
                "container has runAsNonRoot and image will run as root (pod: \"\(pod.metadata.name)\", container: "
                    + "\(container.name))")
        }
        return (user, group)
    }

    /// The image's user, which must be a number: its names mean nothing here.
    private func imageIdentity() throws(NodeError) -> (user: Int64, group: Int64) {
        let parts = image.user.split(separator: ":", maxSplits: 1).map { $0 == "root" ? "0" : $0 }
        let numbers = parts.compactMap { Int64($0) }
        guard numbers.count == parts.count else {
            throw .config(
                "image has non-numeric user (\(image.user.prefix(60))): set securityContext.runAsUser and runAsGroup")
        }
        return (numbers.first ?? 0, numbers.count > 1 ? numbers[1] : 0)
    }

    private func mounts(_ values: [String: String]) throws(NodeError) -> [MountSpec] {
        var result: [MountSpec] = []
        for mount in container.volumeMounts {
            guard var source = volumePaths[mount.name] else {
                throw .config("volumeMounts: volume \(mount.name) is not in the pod")
            }
            let subPath =
                mount.subPathExpr.isEmpty
                ? mount.subPath : EnvironmentResolver.expand(mount.subPathExpr, with: values)
            if !subPath.isEmpty {
                guard !subPath.hasPrefix("/"), !subPath.split(separator: "/").contains("..") else {
                    throw .config("volumeMounts \(mount.mountPath): subPath \"\(subPath)\" must stay in the volume")
                }
                source += "/" + subPath
                guard !FileTree.isRegularFile(source) else {
                    throw .config(
                        "volumeMounts \(mount.mountPath): subPath \"\(subPath)\" is a file; a guest can be given "
                            + "only directories")
                }
                try FileTree.makeDirectories(source)
            }
            let options = ["rbind", mount.readOnly ? "ro" : "rw"]
            let path = mount.mountPath.hasPrefix("/") ? mount.mountPath : "/" + mount.mountPath
            result.append(MountSpec(destination: path, source: source, options: options))
        }
        return result
    }

    private func annotations() throws(NodeError) -> [String: String] {
        var sandbox = SandboxAnnotations()
        sandbox.module = image.modulePath
        sandbox.podAddress = podAddress?.rawValue
        sandbox.containerPorts = container.ports.compactMap { port in
            guard let number = UInt16(exactly: port.containerPort), number > 0 else { return nil }
            return SandboxAnnotations.Port(number, port.protocol == .udp ? .udp : .tcp)
        }
        sandbox.hosts = hostNames.compactMap { host in
            IPv4Address(host.address).map { SandboxAnnotations.Host(name: host.name, address: $0.rawValue) }
        }
        sandbox.nameServers = nameServers.compactMap { IPv4Address($0)?.rawValue }
        sandbox.probeExports = probeExports
        var result = sandbox.annotations
        for key in Self.passedAnnotations { result[key] = pod.metadata.annotations[key] }
        do { _ = try SandboxAnnotations(result) } catch { throw .config("\(error)") }
        result["io.kubernetes.cri.sandbox-namespace"] = pod.metadata.namespace
        result["io.kubernetes.cri.sandbox-name"] = pod.metadata.name
        result["io.kubernetes.cri.container-name"] = container.name
        return result
    }
}
