// SPDX-License-Identifier: Apache-2.0
// Swiftlet: fields of volumes, services, ConfigMap and Secret.

extension Schema {
    private static let podUser = "files of a volume belong to the pod's user"
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
            obeyed(["medium": .string]),
            refused("the size of an empty folder is not limited", "sizeLimit"),
            refused("an empty folder has the mode of the pod's user", "mode")),
        type("HostPathVolumeSource", obeyed(["path": .string, "type": .string])),
        type(
            "ConfigMapVolumeSource",
            obeyed([
                "name": .string, "items": .list(.object("KeyToPath")), "defaultMode": .int32, "optional": .bool,
            ]), refused(podUser, "defaultUser")),
        type(
            "SecretVolumeSource",
            obeyed([
                "secretName": .string, "items": .list(.object("KeyToPath")), "defaultMode": .int32,
                "optional": .bool,
            ]), refused(podUser, "defaultUser")),
        type(
            "KeyToPath", obeyed(["key": .string, "path": .string, "mode": .int32]), refused(podUser, "user")),
        type(
            "DownwardAPIVolumeSource",
            obeyed(["items": .list(.object("DownwardAPIVolumeFile")), "defaultMode": .int32]),
            refused(podUser, "defaultUser")),
        type(
            "DownwardAPIVolumeFile",
            obeyed([
                "path": .string, "fieldRef": .object("ObjectFieldSelector"),
                "resourceFieldRef": .object("ResourceFieldSelector"), "mode": .int32,
            ]), refused(podUser, "user")),
        type(
            "ProjectedVolumeSource",
            obeyed(["sources": .list(.object("VolumeProjection")), "defaultMode": .int32]),
            refused(podUser, "defaultUser")),
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

    private static let ownAddressOnly = "a service is reached at its own address and its node ports only"

    static let services: [ObjectSchema] = [
        object("Service", obeyed(["spec": .object("ServiceSpec")]), status),
        type(
            "ServiceSpec",
            obeyed([
                "ports": .list(.object("ServicePort")), "selector": stringMap, "clusterIP": .string,
                "clusterIPs": strings, "publishNotReadyAddresses": .bool, "sessionAffinity": .string,
                "sessionAffinityConfig": .object("SessionAffinityConfig"),
            ]),
            refused(
                "a service has an address of its own here, and may have node ports; a load balancer's address stays "
                    + "pending", unless: ["ClusterIP", "NodePort", "LoadBalancer"], ["type": .string]),
            refused(ownAddressOnly, unless: ["[]"], ["externalIPs": strings, "loadBalancerSourceRanges": strings]),
            refused(
                ownAddressOnly, "externalName", "loadBalancerIP", "loadBalancerClass", "healthCheckNodePort"),
            refused(
                "node ports are always opened", unless: ["true"], ["allocateLoadBalancerNodePorts": .bool]),
            harmless(
                "all pods are on one node",
                ["internalTrafficPolicy": .string, "externalTrafficPolicy": .string, "trafficDistribution": .string]),
            refused("the embedded network is IPv4", unless: ["[]", "[\"IPv4\"]"], ["ipFamilies": strings]),
            refused(
                "the embedded network is IPv4", unless: ["SingleStack", "PreferDualStack"],
                ["ipFamilyPolicy": .string])),
        type(
            "ServicePort",
            obeyed(["name": .string, "port": .int32, "targetPort": .intOrString, "nodePort": .int32]),
            refused("the service proxy forwards TCP", unless: ["TCP"], ["protocol": .string]),
            harmless("a hint for others; bytes are passed on as they are", ["appProtocol": .string])),
        type("SessionAffinityConfig", obeyed(["clientIP": .object("ClientIPConfig")])),
        type("ClientIPConfig", obeyed(["timeoutSeconds": .int32])),
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
