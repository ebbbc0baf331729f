// SPDX-License-Identifier: Apache-2.0
// Swiftlet: selectors choose as upstream's do, and their text form is kubectl's.

import KubernetesAPI
import Testing

@Suite struct LabelSelectorTests {
    @Test(arguments: [
        ("", true), ("app=web", true), ("app==web", true), ("app=api", false), ("app!=api", true), ("app!=web", false),
        ("none!=x", true), ("app in (api, web)", true), ("app in (api)", false), ("app notin (api)", true),
        ("none notin (api)", true), ("app", true), ("none", false), ("!none", true), ("!app", false), ("size>3", true),
        ("size<3", false), ("app=web,size=5", true), ("app=web,size=6", false), ("empty=", true), ("app=", false),
        (" app = web , tier notin ( x , y ) ", true), ("app>1", false), ("a/b=c", false),
    ])
    func `a selector matches`(text: String, isMatch: Bool) throws {
        let selector = try LabelSelector(parsing: text)
        #expect(selector.matches(["app": "web", "size": "5", "empty": ""]) == isMatch)
        #expect(
            try LabelSelector(parsing: selector.description).matches(["app": "web", "size": "5", "empty": ""])
                == isMatch)
    }

    @Test(arguments: [
        "=", "a=b,", ",", "a in", "a in (", "a in (x", "a in x", "a b", "a=b c", "!", "a>x", "a=b=c", "-a=b", "a=-b",
        "a(b)",
    ])
    func `a broken selector is refused`(text: String) {
        #expect(throws: LabelSelectorError.self) { try LabelSelector(parsing: text) }
    }

    @Test func `a selector prints as kubectl prints it`() {
        let selector = LabelSelector(
            matchLabels: ["b": "2", "a": "1"],
            matchExpressions: [
                LabelSelectorRequirement(key: "tier", operator: .in, values: ["y", "x"]),
                LabelSelectorRequirement(key: "canary", operator: .doesNotExist),
            ])
        #expect(selector.description == "a=1,b=2,!canary,tier in (x,y)")
    }

    @Test func `kinds are found by what a user may type`() {
        for name in ["deploy", "deployment", "deployments", "Deployment", "deployments.apps", "deployments.v1.apps"] {
            #expect(KubernetesKinds.type(named: name) is Deployment.Type, "\(name)")
        }
        #expect(KubernetesKinds.type(named: "po") is Pod.Type)
        #expect(KubernetesKinds.type(named: "deployments.batch") == nil)
        #expect(KubernetesKinds.type(named: "frobs") == nil)
        #expect(KubernetesKinds.type(apiVersion: "v1", kind: "Pod") is Pod.Type)
        #expect(KubernetesKinds.type(group: "apps", version: "v1", resource: "replicasets") is ReplicaSet.Type)
        #expect(Deployment(metadata: ObjectMeta(name: "web")).qualifiedName == "deployment.apps/web")
        #expect(Pod(metadata: ObjectMeta(name: "web")).qualifiedName == "pod/web")
    }
}
