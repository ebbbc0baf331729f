// SPDX-License-Identifier: Apache-2.0
// Swiftlet: rules of Deployment and ReplicaSet.

import KubernetesAPI

extension Validator {
    mutating func check(_ deployment: Deployment) {
        let path = FieldPath("spec")
        let spec = deployment.spec
        checkReplicas(spec.replicas, spec.minReadySeconds, at: path)
        checkSelector(spec.selector, of: spec.template, at: path)
        check(spec.strategy, at: path.field("strategy"))
        if let limit = spec.revisionHistoryLimit {
            checkNonNegative(limit, at: path.field("revisionHistoryLimit"))
        }
        if let deadline = spec.progressDeadlineSeconds {
            let deadlinePath = path.field("progressDeadlineSeconds")
            checkNonNegative(deadline, at: deadlinePath)
            if deadline <= spec.minReadySeconds {
                add(.invalid(deadlinePath, deadline, "must be greater than minReadySeconds"))
            }
        }
        checkTemplate(spec.template, at: path.field("template"))
    }

    mutating func check(_ replicaSet: ReplicaSet) {
        let path = FieldPath("spec")
        checkReplicas(replicaSet.spec.replicas, replicaSet.spec.minReadySeconds, at: path)
        checkSelector(replicaSet.spec.selector, of: replicaSet.spec.template, at: path)
        checkTemplate(replicaSet.spec.template, at: path.field("template"))
    }

    private mutating func checkReplicas(_ replicas: Int32?, _ minReadySeconds: Int32, at path: FieldPath) {
        if let replicas { checkNonNegative(replicas, at: path.field("replicas")) }
        checkNonNegative(minReadySeconds, at: path.field("minReadySeconds"))
    }

    mutating func checkNonNegative(_ number: some BinaryInteger & CustomStringConvertible, at path: FieldPath) {
        if number < 0 { add(.invalid(path, number, "must be greater than or equal to 0")) }
    }

    private mutating func checkSelector(_ selector: LabelSelector, of template: PodTemplateSpec, at path: FieldPath) {
        let selectorPath = path.field("selector")
        if selector.isEmpty {
            add(.required(selectorPath, "a selector that matches the template's labels"))
            return
        }
        check(selector, at: selectorPath)
        if !selector.matches(template.metadata.labels) {
            let labelsPath = FieldPath("spec", "template", "metadata", "labels")
            let labels = LabelSelector(matchLabels: template.metadata.labels).description
            add(.invalid(labelsPath, labels, "selector \"\(selector)\" does not match template labels"))
        }
    }

    mutating func check(_ selector: LabelSelector, at path: FieldPath) {
        checkLabels(selector.matchLabels, at: path.field("matchLabels"))
        for (index, requirement) in selector.matchExpressions.enumerated() {
            let itemPath = path.field("matchExpressions").index(index)
            let keyProblem = NameRules.qualifiedNameProblem(requirement.key)
            add(problem: keyProblem, of: requirement.key, at: itemPath.field("key"))
            let valuesPath = itemPath.field("values")
            switch requirement.operator {
            case .in, .notIn:
                if requirement.values.isEmpty {
                    add(.required(valuesPath, "must be specified when operator is In or NotIn"))
                }
            case .exists, .doesNotExist:
                if !requirement.values.isEmpty {
                    add(.forbidden(valuesPath, "may not be specified when operator is Exists or DoesNotExist"))
                }
            default:
                add(
                    .notSupported(
                        itemPath.field("operator"), requirement.operator.rawValue,
                        supported: ["In", "NotIn", "Exists", "DoesNotExist"]))
            }
            for (valueIndex, value) in requirement.values.enumerated() {
                add(problem: NameRules.labelValueProblem(value), of: value, at: valuesPath.index(valueIndex))
            }
        }
    }

    // MARK: - Strategy

    private mutating func check(_ strategy: DeploymentStrategy, at path: FieldPath) {
        switch strategy.type ?? .rollingUpdate {
        case .recreate:
            if strategy.rollingUpdate != nil {
                add(.forbidden(path.field("rollingUpdate"), "may not be specified when strategy type is Recreate"))
            }
        case .rollingUpdate:
            let bounds = strategy.rollingUpdate ?? RollingUpdateDeployment()
            let boundsPath = path.field("rollingUpdate")
            let surge = checkBound(bounds.maxSurge, at: boundsPath.field("maxSurge"))
            let unavailable = checkBound(bounds.maxUnavailable, at: boundsPath.field("maxUnavailable"))
            if surge == 0, unavailable == 0 {
                let value = bounds.maxUnavailable?.description ?? "0"
                add(.invalid(boundsPath.field("maxUnavailable"), value, "may not be 0 when maxSurge is 0"))
            }
            if let percentage = bounds.maxUnavailable?.percentage, percentage > 100 {
                let value = bounds.maxUnavailable?.description ?? ""
                add(.invalid(boundsPath.field("maxUnavailable"), value, "must not be greater than 100%"))
            }
        default:
            add(
                .notSupported(
                    path.field("type"), strategy.type?.rawValue ?? "", supported: ["Recreate", "RollingUpdate"]))
        }
    }

    /// The number or percentage, or `nil` when it is neither.
    private mutating func checkBound(_ bound: IntOrString?, at path: FieldPath) -> Int? {
        switch bound {
        case nil: return nil
        case .int(let number):
            checkNonNegative(number, at: path)
            return Int(number)
        case .string(let text):
            guard let percentage = bound?.percentage else {
                add(.invalid(path, text, "must be an integer or a percentage such as 25%"))
                return nil
            }
            return percentage
        }
    }

    // MARK: - Template

    private mutating func checkTemplate(_ template: PodTemplateSpec, at path: FieldPath) {
        checkLabels(template.metadata.labels, at: path.field("metadata").field("labels"))
        checkAnnotations(template.metadata.annotations, at: path.field("metadata").field("annotations"))
        let specPath = path.field("spec")
        check(template.spec, at: specPath, isTemplate: true)
        if let policy = template.spec.restartPolicy, policy == .onFailure || policy == .never {
            add(.notSupported(specPath.field("restartPolicy"), policy.rawValue, supported: ["Always"]))
        }
    }
}
