// SPDX-License-Identifier: Apache-2.0
// Swiftlet: Container and what belongs to one.

/// One program of a pod.
public struct Container: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String
    @OmitEmpty public var image: String
    @OmitEmpty public var command: [String]
    @OmitEmpty public var args: [String]
    @OmitEmpty public var workingDir: String
    @OmitEmpty public var ports: [ContainerPort]
    @OmitEmpty public var envFrom: [EnvFromSource]
    @OmitEmpty public var env: [EnvVar]
    @ZeroIfMissing public var resources: ResourceRequirements
    @OmitEmpty public var resizePolicy: [ContainerResizePolicy]
    public var restartPolicy: ContainerRestartPolicy?
    @OmitEmpty public var volumeMounts: [VolumeMount]
    public var livenessProbe: Probe?
    public var readinessProbe: Probe?
    public var startupProbe: Probe?
    public var lifecycle: Lifecycle?
    @OmitEmpty public var terminationMessagePath: String
    public var terminationMessagePolicy: TerminationMessagePolicy?
    public var imagePullPolicy: ImagePullPolicy?
    public var securityContext: SecurityContext?
    @OmitEmpty public var stdin: Bool
    @OmitEmpty public var stdinOnce: Bool
    @OmitEmpty public var tty: Bool

    public init(
        name: String = "",
        image: String = "",
        command: [String] = [],
        args: [String] = [],
        workingDir: String = "",
        ports: [ContainerPort] = [],
        envFrom: [EnvFromSource] = [],
        env: [EnvVar] = [],
        resources: ResourceRequirements = ResourceRequirements(),
        resizePolicy: [ContainerResizePolicy] = [],
        restartPolicy: ContainerRestartPolicy? = nil,
        volumeMounts: [VolumeMount] = [],
        livenessProbe: Probe? = nil,
        readinessProbe: Probe? = nil,
        startupProbe: Probe? = nil,
        lifecycle: Lifecycle? = nil,
        terminationMessagePath: String = "",
        terminationMessagePolicy: TerminationMessagePolicy? = nil,
        imagePullPolicy: ImagePullPolicy? = nil,
        securityContext: SecurityContext? = nil,
        stdin: Bool = false,
        stdinOnce: Bool = false,
        tty: Bool = false
    ) {
        self.name = name
        self.image = image
        self.command = command
        self.args = args
        self.workingDir = workingDir
        self.ports = ports
        self.envFrom = envFrom
        self.env = env
        self.resources = resources
        self.resizePolicy = resizePolicy
        self.restartPolicy = restartPolicy
        self.volumeMounts = volumeMounts
        self.livenessProbe = livenessProbe
        self.readinessProbe = readinessProbe
        self.startupProbe = startupProbe
        self.lifecycle = lifecycle
        self.terminationMessagePath = terminationMessagePath
        self.terminationMessagePolicy = terminationMessagePolicy
        self.imagePullPolicy = imagePullPolicy
        self.securityContext = securityContext
        self.stdin = stdin
        self.stdinOnce = stdinOnce
        self.tty = tty
    }
}

/// A port on which the container listens.
public struct ContainerPort: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    @OmitEmpty public var hostPort: Int32
    @ZeroIfMissing public var containerPort: Int32
    public var `protocol`: PortProtocol?
    @OmitEmpty public var hostIP: String

    public init(
        name: String = "",
        hostPort: Int32 = 0,
        containerPort: Int32 = 0,
        `protocol`: PortProtocol? = nil,
        hostIP: String = ""
    ) {
        self.name = name
        self.hostPort = hostPort
        self.containerPort = containerPort
        self.protocol = `protocol`
        self.hostIP = hostIP
    }
}

/// Whether changing a resource restarts the container.
public struct ContainerResizePolicy: Codable, Sendable, Equatable {
    @ZeroIfMissing public var resourceName: String
    @ZeroIfMissing public var restartPolicy: String

    public init(resourceName: String = "", restartPolicy: String = "") {
        self.resourceName = resourceName
        self.restartPolicy = restartPolicy
    }
}

/// What a container is promised (requests) and may not exceed (limits).
public struct ResourceRequirements: Codable, Sendable, Equatable, HasZero {
    @OmitEmpty public var limits: [String: Quantity]
    @OmitEmpty public var requests: [String: Quantity]

    public static var zero: Self { Self() }

    public init(limits: [String: Quantity] = [:], requests: [String: Quantity] = [:]) {
        self.limits = limits
        self.requests = requests
    }
}

/// Where a volume of the pod appears in a container.
public struct VolumeMount: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String
    @OmitEmpty public var readOnly: Bool
    public var recursiveReadOnly: String?
    @ZeroIfMissing public var mountPath: String
    @OmitEmpty public var subPath: String
    public var mountPropagation: String?
    @OmitEmpty public var subPathExpr: String

    public init(
        name: String = "",
        readOnly: Bool = false,
        recursiveReadOnly: String? = nil,
        mountPath: String = "",
        subPath: String = "",
        mountPropagation: String? = nil,
        subPathExpr: String = ""
    ) {
        self.name = name
        self.readOnly = readOnly
        self.recursiveReadOnly = recursiveReadOnly
        self.mountPath = mountPath
        self.subPath = subPath
        self.mountPropagation = mountPropagation
        self.subPathExpr = subPathExpr
    }
}

/// Identity and privileges of one container; overrides those of the pod.
public struct SecurityContext: Codable, Sendable, Equatable {
    public var capabilities: Capabilities?
    public var privileged: Bool?
    public var seLinuxOptions: SELinuxOptions?
    public var windowsOptions: WindowsSecurityContextOptions?
    public var runAsUser: Int64?
    public var runAsGroup: Int64?
    public var runAsNonRoot: Bool?
    public var readOnlyRootFilesystem: Bool?
    public var allowPrivilegeEscalation: Bool?
    public var procMount: String?
    public var seccompProfile: SeccompProfile?
    public var appArmorProfile: AppArmorProfile?

    public init(
        capabilities: Capabilities? = nil,
        privileged: Bool? = nil,
        seLinuxOptions: SELinuxOptions? = nil,
        windowsOptions: WindowsSecurityContextOptions? = nil,
        runAsUser: Int64? = nil,
        runAsGroup: Int64? = nil,
        runAsNonRoot: Bool? = nil,
        readOnlyRootFilesystem: Bool? = nil,
        allowPrivilegeEscalation: Bool? = nil,
        procMount: String? = nil,
        seccompProfile: SeccompProfile? = nil,
        appArmorProfile: AppArmorProfile? = nil
    ) {
        self.capabilities = capabilities
        self.privileged = privileged
        self.seLinuxOptions = seLinuxOptions
        self.windowsOptions = windowsOptions
        self.runAsUser = runAsUser
        self.runAsGroup = runAsGroup
        self.runAsNonRoot = runAsNonRoot
        self.readOnlyRootFilesystem = readOnlyRootFilesystem
        self.allowPrivilegeEscalation = allowPrivilegeEscalation
        self.procMount = procMount
        self.seccompProfile = seccompProfile
        self.appArmorProfile = appArmorProfile
    }
}

/// Kernel capabilities added and dropped.
public struct Capabilities: Codable, Sendable, Equatable {
    @OmitEmpty public var add: [String]
    @OmitEmpty public var drop: [String]

    public init(add: [String] = [], drop: [String] = []) {
        self.add = add
        self.drop = drop
    }
}

/// SELinux label.
public struct SELinuxOptions: Codable, Sendable, Equatable {
    @OmitEmpty public var user: String
    @OmitEmpty public var role: String
    @OmitEmpty public var type: String
    @OmitEmpty public var level: String

    public init(user: String = "", role: String = "", type: String = "", level: String = "") {
        self.user = user
        self.role = role
        self.type = type
        self.level = level
    }
}

/// Which system-call filter applies.
public struct SeccompProfile: Codable, Sendable, Equatable {
    @ZeroIfMissing public var type: String
    public var localhostProfile: String?

    public init(type: String = "", localhostProfile: String? = nil) {
        self.type = type
        self.localhostProfile = localhostProfile
    }
}

/// Which AppArmor profile applies.
public struct AppArmorProfile: Codable, Sendable, Equatable {
    @ZeroIfMissing public var type: String
    public var localhostProfile: String?

    public init(type: String = "", localhostProfile: String? = nil) {
        self.type = type
        self.localhostProfile = localhostProfile
    }
}

/// Windows identity; never obeyed on Linux.
public struct WindowsSecurityContextOptions: Codable, Sendable, Equatable {
    public var gmsaCredentialSpecName: String?
    public var gmsaCredentialSpec: String?
    public var runAsUserName: String?
    public var hostProcess: Bool?

    public init(
        gmsaCredentialSpecName: String? = nil,
        gmsaCredentialSpec: String? = nil,
        runAsUserName: String? = nil,
        hostProcess: Bool? = nil
    ) {
        self.gmsaCredentialSpecName = gmsaCredentialSpecName
        self.gmsaCredentialSpec = gmsaCredentialSpec
        self.runAsUserName = runAsUserName
        self.hostProcess = hostProcess
    }
}
