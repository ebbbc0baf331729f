// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: challenges, tokens, config.json, helpers.

import Glibc
import Images
import Registry
import Testing

/// Wants `Authorization: Basic` of user and password; base64 of "me:secret".
private let basicHeader = "Basic bWU6c2VjcmV0"

private func file(_ text: String) throws -> CredentialFile {
    try CredentialFile(parsing: Array(text.utf8), name: "test")
}

@Suite struct `Authentication` {
    private func myFile(_ host: String = "127.0.0.1:*") throws -> CredentialFile {
        try file(#"{"auths":{"\#(host)":{"auth":"bWU6c2VjcmV0"}}}"#)
    }

    @Test func `with a password is sent when it is asked for`() async throws {
        try await withBench(credentials: [myFile("127.0.0.*")]) { _ in }
        try await withBench { bench in
            bench.registry.credentials = CredentialChain([try myFile(bench.fake.host)])
            bench.fake.addImage("1", layers: [[1]])
            bench.fake.onRequest {
                $0.header("authorization") == basicHeader
                    ? nil : .json(401, "{}", [("www-authenticate", #"Basic realm="x""#)])
            }
            try await bench.pull()
            #expect(bench.fake.log.first?.header("authorization") == nil)
            #expect(bench.fake.log.filter { $0.header("authorization") == nil }.count == 1)
        }
    }

    @Test func `that is refused is said to be`() async throws {
        try await withBench { bench in
            bench.fake.onRequest { _ in .json(401, "{}", [("www-authenticate", "Basic realm=x")]) }
            try await #expect(bench.failure().message.contains("there are no credentials for it"))
            bench.registry.credentials = CredentialChain([try myFile(bench.fake.host)])
            let error = try await bench.failure()
            #expect(error.code == .unauthorized && error.message.contains("none of 1 credentials is accepted"))
            bench.fake.onRequest { _ in .json(403, "{}") }
            try await #expect(bench.failure().code == .unauthorized)
            bench.fake.onRequest { _ in .json(401, "{}") }
            try await #expect(bench.failure().message.contains("without a challenge"))
            #expect(bench.pauses.all.isEmpty)
        }
    }

    /// A registry that wants tokens, which it gives to those who know the password, or to everybody.
    private func serveTokens(_ bench: Bench, anonymous: Bool) {
        let fake = bench.fake
        fake.onRequest { request in
            if request.path.hasPrefix("/token") {
                let isKnown =
                    request.header("authorization") == basicHeader
                    || String(decoding: request.body, as: UTF8.self).contains("refresh_token=identity%2F1")
                guard isKnown || anonymous && request.header("authorization") == nil else { return .json(401, "{}") }
                return .json(200, #"{"access_token":"abc.def"}"#)
            }
            if request.header("authorization") == "Bearer abc.def" { return nil }
            let challenge =
                #"Bearer realm="http://\#(fake.host)/token",service="a, \"b\"",scope="repository:team/app:pull""#
            return .json(401, "{}", [("www-authenticate", challenge)])
        }
    }

    @Test func `with a token for nobody and for somebody`() async throws {
        try await withBench { bench in
            bench.fake.addImage("1", layers: [[1], [2], [3]])
            serveTokens(bench, anonymous: true)
            try await bench.pull()
            let tokens = bench.fake.log.filter { $0.path.hasPrefix("/token") }
            #expect(tokens.map(\.path) == ["/token?service=a%2C%20%22b%22&scope=repository%3Ateam%2Fapp%3Apull"])
        }
        try await withBench { bench in
            bench.fake.addImage("1", layers: [[1]])
            serveTokens(bench, anonymous: false)
            try await #expect(bench.failure().code == .unauthorized)
            bench.registry.credentials = CredentialChain([
                try file(#"{"\#(bench.fake.host)":{"username":"me","password":"wrong"}}"#), try myFile(bench.fake.host),
            ])
            try await bench.pull()
        }
    }

    @Test func `with an identity token`() async throws {
        try await withBench { bench in
            bench.fake.addImage("1", layers: [[1]])
            serveTokens(bench, anonymous: false)
            bench.registry.credentials = CredentialChain([
                try file(#"{"auths":{"\#(bench.fake.host)":{"identitytoken":"identity/1"}}}"#)
            ])
            try await bench.pull()
            #expect(bench.fake.count("POST", "/token") == 1)
        }
    }

    @Test func `does not go along to another host`() async throws {
        try await withBench { bench in
            let storage = try await FakeRegistry.start()
            let layer = bytes(1, 1000)
            bench.fake.addImage("1", layers: [layer])
            _ = storage.add(blob: layer)
            let digest = Digest.of(layer)
            bench.registry.credentials = CredentialChain([try myFile(bench.fake.host)])
            bench.fake.onRequest { request in
                guard request.header("authorization") == basicHeader else {
                    return .json(401, "{}", [("www-authenticate", "Basic realm=x")])
                }
                guard request.path.contains(digest.hex) else { return nil }
                return FakeResponse(
                    status: 307, headers: [("location", "http://\(storage.host)/v2/x/blobs/\(digest)?signed=1")])
            }
            try await bench.pull()
            #expect(storage.log.count == 1 && storage.log[0].header("authorization") == nil)
            await storage.stop()
        }
    }

    @Test func `is looked up in helpers`() async throws {
        var template = Array("/tmp/swiftlet-helper-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let script = """
            #!/bin/sh
            read server
            [ "$1" = get ] || exit 9
            case $server in
            127.0.0.1:*) echo '{"ServerURL":"x","Username":"me","Secret":"secret"}' ;;
            *) echo "credentials not found in native keychain"; exit 1 ;;
            esac
            """
        let path = "\(folder)/docker-credential-swiftlettest"
        let handle = try #require(fopen(path, "w"))
        fputs(script, handle)
        fclose(handle)
        chmod(path, 0o755)
        setenv("PATH", "\(folder):\(String(cString: getenv("PATH")))", 1)
        try await withBench { bench in
            bench.registry.credentials = CredentialChain([try file(#"{"credsStore":"swiftlettest"}"#)])
            bench.fake.addImage("1", layers: [[1]])
            bench.fake.onRequest {
                $0.header("authorization") == basicHeader
                    ? nil : .json(401, "{}", [("www-authenticate", "Basic realm=x")])
            }
            try await bench.pull()
            bench.registry.credentials = CredentialChain([try file(#"{"credsStore":"swiftletnone"}"#)])
            let error = await #expect(throws: ImageError.self) { try await bench.pull() }
            #expect(error?.message.contains("docker-credential-swiftletnone is not in PATH") == true)
        }
        _ = system("rm -rf \(folder)")
    }

    @Test(arguments: ["x", "[]", #"{"auths":{"a":{"auth":"***"}}}"#, #"{"auths":{"a":{"auth":"bm9jb2xvbg=="}}}"#])
    func `files that are none are refused`(text: String) {
        #expect(throws: ImageError.self) { try file(text) }
    }
}

@Suite struct `Registry configuration` {
    @Test func `is read, and every mistake is named`() throws {
        var template = Array("/tmp/swiftlet-config-XXXXXX".utf8CString)
        close(mkstemp(&template))
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        func read(_ text: String) throws -> RegistryConfiguration {
            let handle = try #require(fopen(path, "w"))
            fputs(text, handle)
            fclose(handle)
            return try RegistryConfiguration(path: path)
        }
        let good = #"{"registries":{"docker.io":{"mirrors":["https://m:5000"],"plainHTTP":false,"caFile":"/c"}}}"#
        #expect(
            try read(good).hosts["docker.io"]
                == RegistryConfiguration.Host(mirrors: ["https://m:5000"], plainHTTP: false, caFile: "/c"))
        for (text, part) in [
            (#"{}"#, "registries: expected an object"), (#"{"registries":{"a":1}}"#, "a: expected an object"),
            (#"{"registries":{"a":{"mirrors":["ftp://x"]}}}"#, "a: mirrors: expected addresses"),
            (#"{"registries":{"a":{"plainHttp":true}}}"#, "a: plainHttp: expected mirrors, plainHTTP"),
        ] {
            let error = #expect(throws: ImageError.self) { try read(text) }
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        }
    }
}
