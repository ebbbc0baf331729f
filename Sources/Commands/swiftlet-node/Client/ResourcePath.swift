// SPDX-License-Identifier: Apache-2.0
// Swiftlet: from what a user types (`pods`, `deploy/web`) to paths of the API.

import KubernetesAPI

/// A kind and, where given, a name; as `get`, `logs` and `delete` take them.
struct ResourceReference {
    var type: any KubernetesObject.Type
    var name: String?

    /// Reads `TYPE[,TYPE…] [NAME…]` or `TYPE/NAME …`, as kubectl does.
    static func parse(_ words: [String]) throws -> [ResourceReference] {
        guard let first = words.first else {
            throw CommandFailure("name a resource type: pods, deployments, services, … (or TYPE/NAME)")
        }
        if words.contains(where: { $0.contains("/") }) {
            return try words.map { word in
                let parts = word.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 2, !parts[1].isEmpty else {
                    throw CommandFailure("\(word): expected TYPE/NAME")
                }
                return ResourceReference(type: try kind(parts[0]), name: parts[1])
            }
        }
        let types = try first.split(separator: ",").flatMap { try kinds(String($0)) }
        let names = words.dropFirst()
        if names.isEmpty { return types.map { ResourceReference(type: $0, name: nil) } }
        return types.flatMap { type in names.map { ResourceReference(type: type, name: $0) } }
    }

    private static func kinds(_ word: String) throws -> [any KubernetesObject.Type] {
        if word == "all" { return [Pod.self, Service.self, Deployment.self, ReplicaSet.self] }
        return [try kind(word)]
    }

    static func kind(_ word: String) throws -> any KubernetesObject.Type {
        if let type = KubernetesKinds.type(named: word) { return type }
        let known = KubernetesKinds.all.map { $0.resource }.sorted().joined(separator: ", ")
        throw CommandFailure("the server doesn't have a resource type \"\(word)\"; known are \(known)")
    }

    /// The API path of the object, or of the collection when there is no name.
    func path(namespace: String?, query: [(String, String)] = []) -> String {
        var path = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
        if type.isNamespaced, let namespace { path += "/namespaces/\(percentEncoded(namespace))" }
        path += "/\(type.resource)"
        if let name { path += "/\(percentEncoded(name))" }
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.0)=\(percentEncoded($0.1))" }.joined(separator: "&")
    }
}

/// RFC 3986: everything but the unreserved characters is escaped.
func percentEncoded(_ text: String) -> String {
    let hexadecimal = Array("0123456789ABCDEF")
    var result = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            result.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            result += "%\(hexadecimal[Int(byte >> 4)])\(hexadecimal[Int(byte & 15)])"
        }
    }
    return result
}
