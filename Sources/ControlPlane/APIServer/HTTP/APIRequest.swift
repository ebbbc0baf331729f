// SPDX-License-Identifier: Apache-2.0
// Swiftlet: API requests and responses, free of any HTTP library.
import KubernetesAPI

/// A request as the handlers see it.
struct APIRequest: Sendable {
    var method: String
    /// Percent-decoded segments of the path.
    var path: [String]
    var query: [String: String]
    var accept: String
    var contentType: String
    var body: [UInt8]

    init(method: String, target: String, accept: String = "", contentType: String = "", body: [UInt8] = []) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = (parts.first ?? "").split(separator: "/").map { PercentCoding.decode($0) }
        query = [:]
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = PercentCoding.decode(sides[0], plusIsSpace: true)
            query[key] = sides.count > 1 ? PercentCoding.decode(sides[1], plusIsSpace: true) : ""
        }
        self.accept = accept
        self.contentType = contentType
        self.body = body
    }

    func flag(_ name: String) -> Bool {
        guard let value = query[name] else { return false }
        return value == "true" || value == "1" || value == ""
    }

    var isDryRun: Bool { query["dryRun"] == "All" }

    /// Media type of the body without parameters.
    var mediaType: String {
        let type = contentType.prefix { $0 != ";" }
        return type.filter { $0 != " " }.lowercased()
    }

    /// Whether the client prefers a Table to the object or list.
    var wantsTable: Bool { accepts { $0["as"] == "Table" && $0["g"] == "meta.k8s.io" && $0["v"] == "v1" } }

    /// The preferred version of aggregated discovery, if any.
    var aggregatedDiscoveryVersion: String? {
        for version in ["v2", "v2beta1"]
        where accepts({ $0["as"] == "APIGroupDiscoveryList" && $0["v"] == version }) {
            return version
        }
        return nil
    }

    /// Whether some accepted JSON media type has such parameters.
    private func accepts(_ test: ([String: String]) -> Bool) -> Bool {
        accept.split(separator: ",").contains { range in
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " } }
            guard parts.first == "application/json" else { return false }
            var parameters: [String: String] = [:]
            for part in parts.dropFirst() {
                let sides = part.split(separator: "=", maxSplits: 1)
                if sides.count == 2 { parameters[String(sides[0])] = String(sides[1]) }
            }
            return test(parameters)
        }
    }
}

/// A response as the handlers give it.
struct APIResponse: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// Sent as it comes, until the stream ends.
        case stream(AsyncStream<[UInt8]>)
    }

    var status: Int
    var contentType: String
    /// Sent as `Warning` headers (RFC 9111 §5.5, code 299), which kubectl prints.
    var warnings: [String] = []
    var body: Body
    /// Runs beside the writing of a streamed body and ends with it.
    var pump: ResponsePump?

    init(status: Int = 200, contentType: String = "application/json", body: Body) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// A JSON response.
    init(_ value: some Encodable, status: Int = 200) throws {
        self.init(status: status, body: .bytes(try KubernetesJSON.encode(value) + [0x0A]))
    }

    static func text(_ text: String, status: Int = 200) -> APIResponse {
        APIResponse(status: status, contentType: "text/plain", body: .bytes(Array(text.utf8)))
    }
}

/// Work that feeds a streamed response; it is cancelled when the client goes away.
struct ResponsePump: Sendable {
    var run: @Sendable () async -> Void

    init(_ run: @escaping @Sendable () async -> Void) {
        self.run = run
    }
}

/// Percent-encoding (RFC 3986 §2.1); a broken escape stays as it is.
enum PercentCoding {
    static func decode(_ text: Substring, plusIsSpace: Bool = false) -> String {
        let input = Array(text.utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(input.count)
        var index = 0
        while index < input.count {
            let byte = input[index]
            if byte == UInt8(ascii: "%"), index + 2 < input.count, let high = digit(input[index + 1]),
                let low = digit(input[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
