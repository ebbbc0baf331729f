// SPDX-License-Identifier: Apache-2.0
// Swiftlet: JSON of objects has upstream's form.

import KubernetesAPI
import Testing

@Suite struct CodingTests {
    @Test func `zero values that upstream omits are omitted, and those it writes are written`() throws {
        let pod = Pod(metadata: ObjectMeta(name: "a"), spec: PodSpec(containers: [Container(name: "c")]))
        #expect(
            try KubernetesJSON.encodeString(pod)
                == #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"#
                + #""spec":{"containers":[{"name":"c","resources":{}}]},"status":{}}"#)
        let status = ContainerStatus(name: "c")
        #expect(
            try KubernetesJSON.encodeString(status)
                == #"{"image":"","imageID":"","lastState":{},"name":"c","ready":false,"restartCount":0,"state":{}}"#)
    }

    @Test func `absent fields and null decode to zero`() throws {
        let text = #"{"metadata":null,"spec":{"template":{},"replicas":null,"selector":null}}"#
        let deployment = try KubernetesJSON.decode(Deployment.self, from: text)
        #expect(deployment.spec.replicas == nil)
        #expect(deployment.metadata.name.isEmpty)
        #expect(deployment.spec.selector.isEmpty)
        #expect(deployment.status.readyReplicas == 0)
    }

    @Test func `an unknown value of a known field survives`() throws {
        let text = #"{"containers":[],"restartPolicy":"Sometimes"}"#
        let spec = try KubernetesJSON.decode(PodSpec.self, from: text)
        #expect(spec.restartPolicy == "Sometimes")
        #expect(try KubernetesJSON.encodeString(spec) == #"{"restartPolicy":"Sometimes"}"#)
    }

    @Test func `a list names its kind and always has its items`() throws {
        let list = ObjectList([Pod](), resourceVersion: "7")
        #expect(
            try KubernetesJSON.encodeString(list)
                == #"{"apiVersion":"v1","items":[],"kind":"PodList","metadata":{"resourceVersion":"7"}}"#)
    }
}
