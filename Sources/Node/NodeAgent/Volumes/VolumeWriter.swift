// SPDX-License-Identifier: Apache-2.0
// Swiftlet: makes a pod's volumes on this machine.

import Glibc
import KubernetesAPI

/// Writes volumes below the pod's directory. Contents are those at the pod's start: a changed ConfigMap is seen by the
/// next pod, not by this one.
struct VolumeWriter {
    var pod: Pod
    var context: DownwardContext
    var source: ConfigSource
    var paths: PodPaths

    // LIMIT: bytes of all files of one volume; upstream's objects have at most 1 MiB each.
    static let volumeBytesMax = 16 << 20

    private struct File {
        var path: String
        var bytes: [UInt8]
        var mode: Int32
    }

    /// The host directory of each volume, by name.
    func write() throws(NodeError) -> [String: String] {
        var result: [String: String] = [:]
        for volume in pod.spec.volumes {
            do {
                result[volume.name] = try write(volume)
            } catch {
                throw .mount("MountVolume.SetUp failed for volume \"\(volume.name)\" : \(error.message)")
            }
        }
        return result
    }

    private func write(_ volume: Volume) throws(NodeError) -> String {
        let path = paths.volume(volume.name)
        if let hostPath = volume.hostPath { return try check(hostPath) }
        if let emptyDir = volume.emptyDir {
            try makeEmpty(emptyDir, path)
        } else if let map = volume.configMap {
            try put(
                try files(configMap: map.name, map.items, map.optional, mode: map.defaultMode ?? 0o644), path, 0o755)
        } else if let secret = volume.secret {
            // The pod's directory is closed to others, so the files may keep the modes that the manifest gives them.
            try put(
                try files(secret: secret.secretName, secret.items, secret.optional, mode: secret.defaultMode ?? 0o644),
                path, 0o755)
        } else if let downward = volume.downwardAPI {
            try put(try files(downward.items, mode: downward.defaultMode ?? 0o644), path, 0o755)
        } else if let projected = volume.projected {
            var all: [File] = []
            let mode = projected.defaultMode ?? 0o644
            for source in projected.sources {
                if let map = source.configMap {
                    all += try files(configMap: map.name, map.items, map.optional, mode: mode)
                } else if let secret = source.secret {
                    all += try files(secret: secret.name, secret.items, secret.optional, mode: mode)
                } else if let downward = source.downwardAPI {
                    all += try files(downward.items, mode: mode)
                }
            }
            try put(all, path, 0o755)
        } else if volume.persistentVolumeClaim != nil {
            throw .mount("persistentVolumeClaim is not supported by this node")
        } else {
            throw .mount("no volume type is given")
        }
        return path
    }

    private func check(_ volume: HostPathVolumeSource) throws(NodeError) -> String {
        guard volume.path.hasPrefix("/"), !volume.path.split(separator: "/").contains("..") else {
            throw .mount("hostPath: expected an absolute path without \"..\", found \"\(volume.path)\"")
        }
        switch volume.type ?? "" {
        case "DirectoryOrCreate": try FileTree.makeDirectories(volume.path)
        case "", "Directory": break
        default:
            throw .mount("hostPath type \(volume.type ?? "") is not supported: a guest can be given only directories")
        }
        guard FileTree.isDirectory(volume.path) else {
            throw .mount("hostPath type check failed: \(volume.path) is not a directory")
        }
        return volume.path
    }

    private func makeEmpty(_ volume: EmptyDirVolumeSource, _ path: String) throws(NodeError) {
        guard volume.sizeLimit == nil else { throw .mount("emptyDir.sizeLimit is not supported by this node") }
        try FileTree.makeDirectories(path)
        if volume.medium == "Memory" {
            guard FileTree.isOnTmpfs(path) else {
                throw .mount("emptyDir.medium Memory: the runtime root \(paths.directory) is not on a tmpfs")
            }
        } else if !volume.medium.isEmpty {
            throw .mount("emptyDir.medium \(volume.medium) is not supported by this node")
        }
        chmod(path, 0o777)
    }

    // MARK: - Files

    private func files(
        configMap name: String, _ items: [KeyToPath], _ optional: Bool?, mode: Int32
    ) throws(NodeError) -> [File] {
        guard let map = source.configMap(name) else {
            if optional == true { return [] }
            throw .mount("configmap \"\(name)\" not found")
        }
        var contents = map.data.mapValues { Array($0.utf8) }
        for (key, value) in map.binaryData { contents[key] = value.bytes }
        return try select(contents, items, optional, mode: mode, "configmap \"\(name)\"")
    }

    private func files(
        secret name: String, _ items: [KeyToPath], _ optional: Bool?, mode: Int32
    ) throws(NodeError) -> [File] {
        guard let secret = source.secret(name) else {
            if optional == true { return [] }
            throw .mount("secret \"\(name)\" not found")
        }
        return try select(secret.data.mapValues(\.bytes), items, optional, mode: mode, "secret \"\(name)\"")
    }

    private func select(
        _ contents: [String: [UInt8]], _ items: [KeyToPath], _ optional: Bool?, mode: Int32, _ what: String
    ) throws(NodeError) -> [File] {
        if items.isEmpty {
            return contents.sorted { $0.key < $1.key }.map { File(path: $0.key, bytes: $0.value, mode: mode) }
        }
        var result: [File] = []
        for item in items {
            guard let bytes = contents[item.key] else {
                if optional == true { continue }
                throw .mount("\(what) references non-existent config key: \(item.key)")
            }
            result.append(File(path: item.path, bytes: bytes, mode: item.mode ?? mode))
        }
        return result
    }

    private func files(_ items: [DownwardAPIVolumeFile], mode: Int32) throws(NodeError) -> [File] {
        var result: [File] = []
        for item in items {
            var value = ""
            if let field = item.fieldRef {
                value = try context.value(ofField: field.fieldPath)
            } else if let resource = item.resourceFieldRef {
                value = try context.value(of: resource, in: Container())
            }
            result.append(File(path: item.path, bytes: Array(value.utf8), mode: item.mode ?? mode))
        }
        return result
    }

    private func put(_ files: [File], _ directory: String, _ directoryMode: mode_t) throws(NodeError) {
        guard files.reduce(0, { $0 + $1.bytes.count }) <= Self.volumeBytesMax else {
            throw .mount("more than \(Self.volumeBytesMax) bytes")
        }
        try FileTree.makeDirectories(directory, mode: directoryMode)
        for file in files {
            let parts = file.path.split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty && $0 != ".." && $0 != "." }) else {
                throw .mount("path \"\(file.path)\" must be relative and stay in the volume")
            }
            if parts.count > 1 {
                try FileTree.makeDirectories("\(directory)/\(parts.dropLast().joined(separator: "/"))", mode: 0o755)
            }
            try FileTree.write(file.bytes, to: "\(directory)/\(file.path)", mode: mode_t(file.mode & 0o777))
        }
    }
}
