// SPDX-License-Identifier: Apache-2.0
// Swiftlet: fields of metadata, Deployment, ReplicaSet, Pod and Namespace as a whole.

extension Schema {
    private static let byTheServer = "set by the API, which drops the value of a new object"

    /// apiVersion, kind and metadata of every kind.
    static func object(_ kind: String, _ fields: [FieldSchema]...) -> ObjectSchema {
        let head = obeyed(["apiVersion": .string, "kind": .string, "metadata": .object("ObjectMeta")])
        return ObjectSchema(kind, head + fields.flatMap { $0 })
    }

    static let status = harmless(
        "written by the controllers and the node; a manifest's value is dropped", ["status": .any])

    static let metadata: [ObjectSchema] = [
        type(
            "ObjectMeta",
            obeyed([
                "name": .string, "generateName": .string, "namespace": .string, "labels": stringMap,
                "annotations": stringMap, "ownerReferences": .list(.object("OwnerReference")),
            ]),
            harmless(
                byTheServer,
                [
                    "uid": .string, "generation": .int64, "creationTimestamp": .time, "deletionTimestamp": .time,
                    "deletionGracePeriodSeconds": .int64, "selfLink": .string, "managedFields": .any,
                ]),
            obeyed(["resourceVersion": .string, "finalizers": strings])),
        type(
            "OwnerReference",
            obeyed([
                "apiVersion": .string, "kind": .string, "name": .string, "uid": .string, "controller": .bool,
                "blockOwnerDeletion": .bool,
            ])),
        type(
            "LabelSelector",
            obeyed(["matchLabels": stringMap, "matchExpressions": .list(.object("LabelSelectorRequirement"))])),
        type("LabelSelectorRequirement", obeyed(["key": .string, "operator": .string, "values": strings])),
    ]

    static let workloads: [ObjectSchema] = [
        object("Deployment", obeyed(["spec": .object("DeploymentSpec")]), status),
        type(
            "DeploymentSpec",
            obeyed([
                "replicas": .int32, "selector": .object("LabelSelector"), "template": .object("PodTemplateSpec"),
                "strategy": .object("DeploymentStrategy"), "minReadySeconds": .int32, "revisionHistoryLimit": .int32,
                "paused": .bool, "progressDeadlineSeconds": .int32,
            ])),
        type(
            "DeploymentStrategy",
            obeyed(["type": .string, "rollingUpdate": .object("RollingUpdateDeployment")])),
        type("RollingUpdateDeployment", obeyed(["maxUnavailable": .intOrString, "maxSurge": .intOrString])),
        object("ReplicaSet", obeyed(["spec": .object("ReplicaSetSpec")]), status),
        type(
            "ReplicaSetSpec",
            obeyed([
                "replicas": .int32, "minReadySeconds": .int32, "selector": .object("LabelSelector"),
                "template": .object("PodTemplateSpec"),
            ])),
        object("Pod", obeyed(["spec": .object("PodSpec")]), status),
        type("PodTemplateSpec", obeyed(["metadata": .object("ObjectMeta"), "spec": .object("PodSpec")])),
        object("Namespace", obeyed(["spec": .object("NamespaceSpec")]), status),
        type(
            "NamespaceSpec",
            harmless("the namespace controller empties a namespace before it goes in any case", ["finalizers": strings])
        ),
    ]
}
