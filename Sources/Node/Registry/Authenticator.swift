// SPDX-License-Identifier: Apache-2.0
// Swiftlet: answers challenges; remembers tokens.

import Images
import OCI

/// The `Authorization` of one registry for one image.
///
/// Nothing is sent before the registry asks, so that a password goes only where it is wanted.
///
/// See: distribution's token and OAuth2 documents.
actor Authenticator {
    private let transport: HTTPTransport
    private let candidates: [Credentials]
    private var candidateIndex = 0
    private var current: String?

    init(_ transport: HTTPTransport, _ candidates: [Credentials]) {
        self.transport = transport
        self.candidates = candidates
    }

    /// The header to send, if one is known by now.
    var authorization: String? { current }

    /// Answers a 401. Called with the header that was refused: somebody may have got a better one meanwhile.
    ///
    /// - Throws: code `unauthorized` when no credentials are left to try.
    func answer(
        _ challenge: String?, refused: String?, from origin: HTTPAddress, scope: String
    ) async throws(ImageError) {
        if refused != current { return }
        if refused != nil { candidateIndex += 1 }
        // Anonymous comes last; for a Basic challenge it means nothing.
        guard candidateIndex <= candidates.count else { throw Self.refusal(origin, candidates.count) }
        guard let challenge, let parsed = Challenge(challenge) else {
            throw ImageError(.unauthorized, "\(origin.authority): 401 without a challenge that is known")
        }
        switch parsed {
        case .basic:
            guard candidateIndex < candidates.count else { throw Self.refusal(origin, candidates.count) }
            current = Self.basic(candidates[candidateIndex])
        case .bearer(let realm, let service, let asked):
            while true {
                do {
                    let credentials = candidateIndex < candidates.count ? candidates[candidateIndex] : nil
                    current =
                        "Bearer \(try await token(realm, service, asked.isEmpty ? scope : asked, origin, credentials))"
                    return
                } catch  where error.code == .unauthorized && candidateIndex < candidates.count {
                    candidateIndex += 1
                }
            }
        }
    }

    private static func refusal(_ origin: HTTPAddress, _ count: Int) -> ImageError {
        let tried = count == 0 ? "there are no credentials for it" : "none of \(count) credentials is accepted"
        return ImageError(.unauthorized, "\(origin.authority): authorization failed: \(tried)")
    }

    private static func basic(_ credentials: Credentials) -> String {
        "Basic \(Base64.encode("\(credentials.user):\(credentials.password)"))"
    }

    private func token(
        _ realm: String, _ service: String, _ scope: String, _ origin: HTTPAddress, _ credentials: Credentials?
    ) async throws(ImageError) -> String {
        guard let address = HTTPAddress(realm), address.isSecure || !origin.isSecure else {
            throw ImageError(
                .unauthorized, "\(origin.authority): token realm \"\(realm.prefix(200))\": expected an https address")
        }
        var request: HTTPRequest
        if let credentials, !credentials.identityToken.isEmpty {
            request = HTTPRequest("POST", address)
            let form = [
                ("grant_type", "refresh_token"), ("refresh_token", credentials.identityToken), ("service", service),
                ("scope", scope), ("client_id", "swiftlet"),
            ]
            let text = form.map { "\($0.0)=\(HTTPAddress.encode($0.1))" }.joined(separator: "&")
            request.headers = [("content-type", "application/x-www-form-urlencoded")]
            request.body = .bytes(Array(text.utf8))
        } else {
            var query: [(String, String)] = []
            if !service.isEmpty { query.append(("service", service)) }
            // Several scopes are several parameters.
            query += scope.split(separator: " ").map { ("scope", String($0)) }
            request = HTTPRequest("GET", address.adding(query: query))
            if let credentials { request.headers = [("authorization", Self.basic(credentials))] }
        }
        let response = try await transport.send(request)
        switch response.status {
        case 200: break
        case 400, 401, 403:
            throw ImageError(.unauthorized, "\(address): no token: HTTP \(response.status)")
        default: throw ImageError(.unavailable, "\(address): no token: HTTP \(response.status)")
        }
        let json: JSON
        do { json = try JSON(parsing: response.body) } catch {
            throw ImageError(.invalidContent, "\(address): token response: \(error)")
        }
        for name in ["token", "access_token"] {
            if case .string(let token)? = json[name], !token.isEmpty,
                token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            {
                return token
            }
        }
        throw ImageError(.invalidContent, "\(address): token response: expected a token")
    }
}
