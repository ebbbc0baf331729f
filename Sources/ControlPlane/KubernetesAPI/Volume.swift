// SPDX-License-Identifier: Apache-2.0
// Swiftlet: volumes of a pod.

/// A named source of files; exactly one source is set.
public struct Volume: Codable, Sendable, Equatable {
    @ZeroIfMissing public var name: String
    public var hostPath: HostPathVolumeSource?
    public var emptyDir: EmptyDirVolumeSource?
    public var secret: SecretVolumeSource?
    public var persistentVolumeClaim: PersistentVolumeClaimVolumeSource?
    public var downwardAPI: DownwardAPIVolumeSource?
    public var configMap: ConfigMapVolumeSource?
    public var projected: ProjectedVolumeSource?

    public init(
        name: String = "",
        hostPath: HostPathVolumeSource? = nil,
        emptyDir: EmptyDirVolumeSource? = nil,
        secret: SecretVolumeSource? = nil,
        persistentVolumeClaim: PersistentVolumeClaimVolumeSource? = nil,
        downwardAPI: DownwardAPIVolumeSource? = nil,
        configMap: ConfigMapVolumeSource? = nil,
        projected: ProjectedVolumeSource? = nil
    ) {
        self.name = name
        self.hostPath = hostPath
        self.emptyDir = emptyDir
        self.secret = secret
        self.persistentVolumeClaim = persistentVolumeClaim
        self.downwardAPI = downwardAPI
        self.configMap = configMap
        self.projected = projected
    }
}

/// A path of the machine.
public struct HostPathVolumeSource: Codable, Sendable, Equatable {
    @ZeroIfMissing public var path: String
    public var type: String?

    public init(path: String = "", type: String? = nil) {
        self.path = path
        self.type = type
    }
}

/// An empty folder that lives as long as the pod.
public struct EmptyDirVolumeSource: Codable, Sendable, Equatable {
    @OmitEmpty public var medium: String
    public var sizeLimit: Quantity?

    public init(medium: String = "", sizeLimit: Quantity? = nil) {
        self.medium = medium
        self.sizeLimit = sizeLimit
    }
}

/// The keys of a Secret as files.
public struct SecretVolumeSource: Codable, Sendable, Equatable {
    @OmitEmpty public var secretName: String
    @OmitEmpty public var items: [KeyToPath]
    public var defaultMode: Int32?
    public var optional: Bool?

    public init(secretName: String = "", items: [KeyToPath] = [], defaultMode: Int32? = nil, optional: Bool? = nil) {
        self.secretName = secretName
        self.items = items
        self.defaultMode = defaultMode
        self.optional = optional
    }
}

/// The keys of a ConfigMap as files.
public struct ConfigMapVolumeSource: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    @OmitEmpty public var items: [KeyToPath]
    public var defaultMode: Int32?
    public var optional: Bool?

    public init(name: String = "", items: [KeyToPath] = [], defaultMode: Int32? = nil, optional: Bool? = nil) {
        self.name = name
        self.items = items
        self.defaultMode = defaultMode
        self.optional = optional
    }
}

/// A claim on durable storage.
public struct PersistentVolumeClaimVolumeSource: Codable, Sendable, Equatable {
    @ZeroIfMissing public var claimName: String
    @OmitEmpty public var readOnly: Bool

    public init(claimName: String = "", readOnly: Bool = false) {
        self.claimName = claimName
        self.readOnly = readOnly
    }
}

/// Which key becomes which file.
public struct KeyToPath: Codable, Sendable, Equatable {
    @ZeroIfMissing public var key: String
    @ZeroIfMissing public var path: String
    public var mode: Int32?

    public init(key: String = "", path: String = "", mode: Int32? = nil) {
        self.key = key
        self.path = path
        self.mode = mode
    }
}

/// Fields of the pod as files.
public struct DownwardAPIVolumeSource: Codable, Sendable, Equatable {
    @OmitEmpty public var items: [DownwardAPIVolumeFile]
    public var defaultMode: Int32?

    public init(items: [DownwardAPIVolumeFile] = [], defaultMode: Int32? = nil) {
        self.items = items
        self.defaultMode = defaultMode
    }
}

/// One field of the pod and its file.
public struct DownwardAPIVolumeFile: Codable, Sendable, Equatable {
    @ZeroIfMissing public var path: String
    public var fieldRef: ObjectFieldSelector?
    public var resourceFieldRef: ResourceFieldSelector?
    public var mode: Int32?

    public init(
        path: String = "",
        fieldRef: ObjectFieldSelector? = nil,
        resourceFieldRef: ResourceFieldSelector? = nil,
        mode: Int32? = nil
    ) {
        self.path = path
        self.fieldRef = fieldRef
        self.resourceFieldRef = resourceFieldRef
        self.mode = mode
    }
}

/// Several sources in one folder.
public struct ProjectedVolumeSource: Codable, Sendable, Equatable {
    @OmitEmpty public var sources: [VolumeProjection]
    public var defaultMode: Int32?

    public init(sources: [VolumeProjection] = [], defaultMode: Int32? = nil) {
        self.sources = sources
        self.defaultMode = defaultMode
    }
}

/// One source of a projected volume; exactly one is set.
public struct VolumeProjection: Codable, Sendable, Equatable {
    public var secret: SecretProjection?
    public var downwardAPI: DownwardAPIProjection?
    public var configMap: ConfigMapProjection?

    public init(
        secret: SecretProjection? = nil,
        downwardAPI: DownwardAPIProjection? = nil,
        configMap: ConfigMapProjection? = nil
    ) {
        self.secret = secret
        self.downwardAPI = downwardAPI
        self.configMap = configMap
    }
}

/// Keys of a Secret within a projected volume.
public struct SecretProjection: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    @OmitEmpty public var items: [KeyToPath]
    public var optional: Bool?

    public init(name: String = "", items: [KeyToPath] = [], optional: Bool? = nil) {
        self.name = name
        self.items = items
        self.optional = optional
    }
}

/// Keys of a ConfigMap within a projected volume.
public struct ConfigMapProjection: Codable, Sendable, Equatable {
    @OmitEmpty public var name: String
    @OmitEmpty public var items: [KeyToPath]
    public var optional: Bool?

    public init(name: String = "", items: [KeyToPath] = [], optional: Bool? = nil) {
        self.name = name
        self.items = items
        self.optional = optional
    }
}

/// Fields of the pod within a projected volume.
public struct DownwardAPIProjection: Codable, Sendable, Equatable {
    @OmitEmpty public var items: [DownwardAPIVolumeFile]

    public init(items: [DownwardAPIVolumeFile] = []) {
        self.items = items
    }
}
