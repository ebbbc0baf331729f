// SPDX-License-Identifier: Apache-2.0
// Swiftlet: fields of volumes, services, ConfigMap and Secret.

extension Schema {
    private static let noSuchStorage = "this storage is not attached here; use hostPath, emptyDir, configMap or secret"

    static let volumes: [ObjectSchema] = [
        type(
            "Volume",
            obeyed([
                "name": .string, "emptyDir": .object("EmptyDirVolumeSource"),
                "hostPath": .object("HostPathVolumeSource"), "configMap": .object("ConfigMapVolumeSource"),
                "secret": .object("SecretVolumeSource"), "downwardAPI": .object("DownwardAPIVolumeSource"),
                "projected": .object("ProjectedVolumeSource"),
            ]),
            refused("persistent volumes are not implemented; use hostPath", "persistentVolumeClaim", "ephemeral"),
            refused("a volume from an image is not implemented", "image"),
            refused(
                noSuchStorage, "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc",
                "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "iscsi", "nfs",
                "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume")),
        type(
            "EmptyDirVolumeSource",
            refused("an empty folder lies on disk", unless: [""], ["medium": .string]),
            withoutEffect("the size of an empty folder is not limited yet", ["sizeLimit": .quantity]),
            refused("an empty folder has the mode of the pod's user", "mode")),
        type("HostPathVolumeSource", obeyed(["path": .string, "type": .string])),
        type(
            "ConfigMapVolumeSource",
            obeyed([
                "name": .string, "items": .list(.object("KeyToPath")), "defaultMode": .int32, "optional": .bool,
            ])),
        type(
            "SecretVolumeSource",
            obeyed([
                "secretName": .string, "items": .list(.object("KeyToPath")), "defaultMode": .int32,
                "optional": .bool,
            ])),
        type("KeyToPath", obeyed(["key": .string, "path": .string, "mode": .int32])),
        type(
            "DownwardAPIVolumeSource",
            obeyed(["items": .list(.object("DownwardAPIVolumeFile")), "defaultMode": .int32])),
        type(
            "DownwardAPIVolumeFile",
            obeyed([
                "path": .string, "fieldRef": .object("ObjectFieldSelector"),
                "resourceFieldRef": .object("ResourceFieldSelector"), "mode": .int32,
            ])),
        type(
            "ProjectedVolumeSource",
            obeyed(["sources": .list(.object("VolumeProjection")), "defaultMode": .int32])),
        type(
            "VolumeProjection",
            obeyed([
                "configMap": .object("KeyProjection"), "secret": .object("KeyProjection"),
                "downwardAPI": .object("DownwardAPIProjection"),
            ]),
            refused("there are no service accounts", "serviceAccountToken"),
            refused("certificates are not issued here", "clusterTrustBundle", "podCertificate")),
        type(
            "KeyProjection",
            obeyed(["name": .string, "items": .list(.object("KeyToPath")), "optional": .bool])),
        type("DownwardAPIProjection", obeyed(["items": .list(.object("DownwardAPIVolumeFile"))])),
    ]

    private static let ownAddressOnly = "a service is reached at its own address only"

    static let services: [ObjectSchema] = [
        object("Service", obeyed(["spec": .object("ServiceSpec")]), status),
        type(
            "ServiceSpec",
            obeyed([
                "ports": .list(.object("ServicePort")), "selector": stringMap, "clusterIP": .string,
                "clusterIPs": strings, "publishNotReadyAddresses": .bool,
            ]),
            refused(ownAddressOnly, unless: ["ClusterIP"], ["type": .string]),
            refused("each connection goes to the next ready pod", unless: ["None"], ["sessionAffinity": .string]),
            refused("each connection goes to the next ready pod", "sessionAffinityConfig"),
            refused(ownAddressOnly, unless: ["[]"], ["externalIPs": strings, "loadBalancerSourceRanges": strings]),
            refused(
                ownAddressOnly, "externalName", "loadBalancerIP", "loadBalancerClass", "externalTrafficPolicy",
                "healthCheckNodePort", "allocateLoadBalancerNodePorts"),
            harmless(
                "all pods are on one node", ["internalTrafficPolicy": .string, "trafficDistribution": .string]),
            refused("the embedded network is IPv4", unless: ["[]", "[\"IPv4\"]"], ["ipFamilies": strings]),
            refused(
                "the embedded network is IPv4", unless: ["SingleStack", "PreferDualStack"],
                ["ipFamilyPolicy": .string])),
        type(
            "ServicePort",
            obeyed(["name": .string, "port": .int32, "targetPort": .intOrString, "protocol": .string]),
            harmless("a hint for others; bytes are passed on as they are", ["appProtocol": .string]),
            refused(ownAddressOnly, unless: ["0"], ["nodePort": .int32])),
    ]

    static let configuration: [ObjectSchema] = [
        object(
            "ConfigMap", obeyed(["data": stringMap, "binaryData": .map(.base64), "immutable": .bool])),
        object(
            "Secret",
            obeyed([
                "data": .map(.base64), "stringData": stringMap, "type": .string, "immutable": .bool,
            ])),
    ]
}
