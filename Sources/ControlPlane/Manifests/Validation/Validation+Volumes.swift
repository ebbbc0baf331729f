// SPDX-License-Identifier: Apache-2.0
// Swiftlet: rules of volumes.

import KubernetesAPI

extension Validator {
    mutating func checkVolumes(_ volumes: [Volume], at path: FieldPath) {
        var names: Set<String> = []
        for (index, volume) in volumes.enumerated() {
            let volumePath = path.index(index)
            if volume.name.isEmpty {
                add(.required(volumePath.field("name")))
            } else if !names.insert(volume.name).inserted {
                add(.duplicate(volumePath.field("name"), volume.name))
            } else {
                let problem = NameRules.dnsLabelProblem(volume.name)
                add(problem: problem, of: volume.name, at: volumePath.field("name"))
            }
            if volume.sourceCount > 1 {
                add(.forbidden(volumePath, "may not specify more than 1 volume type"))
            }
            checkSource(of: volume, at: volumePath)
        }
    }

    private mutating func checkSource(of volume: Volume, at path: FieldPath) {
        if let source = volume.hostPath {
            let sourcePath = path.field("hostPath")
            if source.path.isEmpty {
                add(.required(sourcePath.field("path")))
            } else if !source.path.hasPrefix("/") {
                add(.invalid(sourcePath.field("path"), source.path, "must be an absolute path"))
            } else if source.path.split(separator: "/").contains("..") {
                add(.invalid(sourcePath.field("path"), source.path, "must not contain \"..\""))
            }
            // A guest is given folders only: WASI preopens nothing else.
            let types = ["", "Directory", "DirectoryOrCreate"]
            if let type = source.type, !types.contains(type) {
                add(.notSupported(sourcePath.field("type"), type, supported: types))
            }
        }
        if let medium = volume.emptyDir?.medium, !medium.isEmpty, medium != "Memory" {
            add(.notSupported(path.field("emptyDir").field("medium"), medium, supported: ["", "Memory"]))
        }
        if let source = volume.configMap {
            let sourcePath = path.field("configMap")
            if source.name.isEmpty { add(.required(sourcePath.field("name"))) }
            checkItems(source.items, at: sourcePath.field("items"))
            checkMode(source.defaultMode, at: sourcePath.field("defaultMode"))
        }
        if let source = volume.secret {
            let sourcePath = path.field("secret")
            if source.secretName.isEmpty { add(.required(sourcePath.field("secretName"))) }
            checkItems(source.items, at: sourcePath.field("items"))
            checkMode(source.defaultMode, at: sourcePath.field("defaultMode"))
        }
        if let source = volume.downwardAPI {
            let sourcePath = path.field("downwardAPI")
            checkFiles(source.items, at: sourcePath.field("items"))
            checkMode(source.defaultMode, at: sourcePath.field("defaultMode"))
        }
        if let source = volume.projected {
            checkProjected(source, at: path.field("projected"))
        }
    }

    private mutating func checkProjected(_ volume: ProjectedVolumeSource, at path: FieldPath) {
        checkMode(volume.defaultMode, at: path.field("defaultMode"))
        var files: Set<String> = []
        for (index, source) in volume.sources.enumerated() {
            let sourcePath = path.field("sources").index(index)
            let count = [source.secret != nil, source.configMap != nil, source.downwardAPI != nil].count { $0 }
            if count != 1 {
                add(FieldError(sourcePath, .invalid, "expected exactly one of secret, configMap and downwardAPI"))
            }
            if let secret = source.secret {
                if secret.name.isEmpty { add(.required(sourcePath.field("secret").field("name"))) }
                checkItems(secret.items, at: sourcePath.field("secret").field("items"), files: &files)
            }
            if let map = source.configMap {
                if map.name.isEmpty { add(.required(sourcePath.field("configMap").field("name"))) }
                checkItems(map.items, at: sourcePath.field("configMap").field("items"), files: &files)
            }
            if let fields = source.downwardAPI {
                checkFiles(fields.items, at: sourcePath.field("downwardAPI").field("items"))
            }
        }
    }

    private mutating func checkItems(_ items: [KeyToPath], at path: FieldPath) {
        var files: Set<String> = []
        checkItems(items, at: path, files: &files)
    }

    private mutating func checkItems(_ items: [KeyToPath], at path: FieldPath, files: inout Set<String>) {
        for (index, item) in items.enumerated() {
            let itemPath = path.index(index)
            if item.key.isEmpty { add(.required(itemPath.field("key"))) }
            if item.path.isEmpty {
                add(.required(itemPath.field("path")))
            } else {
                checkVolumeFile(item.path, at: itemPath.field("path"))
                if !files.insert(item.path).inserted { add(.duplicate(itemPath.field("path"), item.path)) }
            }
            checkMode(item.mode, at: itemPath.field("mode"))
        }
    }

    private mutating func checkFiles(_ items: [DownwardAPIVolumeFile], at path: FieldPath) {
        for (index, item) in items.enumerated() {
            let itemPath = path.index(index)
            if item.path.isEmpty {
                add(.required(itemPath.field("path")))
            } else {
                checkVolumeFile(item.path, at: itemPath.field("path"))
            }
            checkMode(item.mode, at: itemPath.field("mode"))
            switch (item.fieldRef, item.resourceFieldRef) {
            case (let reference?, nil): check(reference, at: itemPath.field("fieldRef"), allowingWholeMaps: true)
            case (nil, let reference?):
                let referencePath = itemPath.field("resourceFieldRef")
                check(reference, at: referencePath)
                if reference.containerName.isEmpty { add(.required(referencePath.field("containerName"))) }
            case (nil, nil): add(.required(itemPath, "fieldRef or resourceFieldRef"))
            case (_?, _?):
                add(FieldError(itemPath, .invalid, "fieldRef and resourceFieldRef can not be specified simultaneously"))
            }
        }
    }

    /// A file inside a volume: relative, no `..`, and no name starting with `..`, which the node uses for itself.
    private mutating func checkVolumeFile(_ text: String, at path: FieldPath) {
        checkLocalPath(text, at: path)
        if text.hasPrefix(".."), text != "..", !text.hasPrefix("../") {
            add(.invalid(path, text, "must not start with \"..\""))
        }
    }

    private mutating func checkMode(_ mode: Int32?, at path: FieldPath) {
        if let mode, !(0...0o777).contains(mode) {
            add(.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive"))
        }
    }
}
