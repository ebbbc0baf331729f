// SPDX-License-Identifier: Apache-2.0
// Swiftlet: registries behind HTTP proxies.
import Glibc
import Images
import NIOSSL
import Registry
import Synchronization
import TestSupport
import Testing

@Suite(.serialized) struct `An HTTP proxy` {
    private static let environment = [
        "HTTPS_PROXY": "http://proxy.example:3128", "http_proxy": "proxy.example",
        "NO_PROXY": "internal.example, .below.example,10.0.0.0/8,192.168.1.9,other.example:5000,[2001:db8::1]:5000",
    ]

    @Test(arguments: [
        ("https://registry.example/", "proxy.example:3128"), ("http://registry.example/", "proxy.example:80"),
        ("https://internal.example/", nil), ("https://a.internal.example/", nil),
        ("https://notinternal.example/", "proxy.example:3128"), ("https://a.below.example/", nil),
        ("https://below.example/", "proxy.example:3128"), ("https://10.255.0.1:5000/", nil),
        ("https://11.0.0.1/", "proxy.example:3128"), ("https://192.168.1.9/", nil),
        ("https://other.example:5000/", nil), ("https://other.example/", "proxy.example:3128"),
        ("https://localhost:5000/", nil), ("http://127.9.9.9/", nil), ("https://[::1]:5000/", nil),
        ("https://[2001:db8::1]:5000/", nil), ("https://[2001:db8::2]:5000/", "proxy.example:3128"),
    ])
    func `stands before some addresses`(address: String, proxy: String?) throws {
        let proxies = try HTTPProxies(Self.environment)
        #expect(proxies.proxy(for: try #require(HTTPAddress(address)))?.description == proxy)
    }

    @Test func `stands before nothing without a word, or with a star`() throws {
        let address = try #require(HTTPAddress("https://registry.example/"))
        #expect(try HTTPProxies([:]).proxy(for: address) == nil)
        #expect(try HTTPProxies(["HTTPS_PROXY": "http://p", "no_proxy": "*"]).proxy(for: address) == nil)
        #expect(try HTTPProxies(["HTTP_PROXY": "http://p"]).proxy(for: address) == nil)
    }

    @Test(arguments: ["socks5://p:1080", "https://p", "http://", "http://p/path", "http://u:%zz@p", "http://p:99999"])
    func `that cannot be used is refused by its variable, without its password`(value: String) {
        let error = #expect(throws: ImageError.self) { try HTTPProxies(["https_proxy": value]) }
        #expect(
            error?.message.contains("environment variable https_proxy") == true
                && error?.message.contains("%zz") != true)
    }

    @Test func `forwards a plain registry's requests, with its own credentials`() async throws {
        try await withBench { bench in
            let proxy = FakeProxy(to: bench.fake.port)
            defer { proxy.stop() }
            bench.registry.configuration.hosts["registry.test:5000"] = .init(plainHTTP: true)
            bench.registry.proxies = try HTTPProxies(["HTTP_PROXY": "http://me:p%40ss@127.0.0.1:\(proxy.port)"])
            bench.fake.addImage("1", layers: [bytes(7, 5000)])
            try await bench.registry.pull(try ImageName("registry.test:5000/team/app:1"))
            let head = try #require(proxy.heads.first)
            #expect(head.hasPrefix("GET http://registry.test:5000/v2/"), "\(head)")
            #expect(head.contains("proxy-authorization: Basic bWU6cEBzcw==\r\n"), "\(head)")
            #expect(proxy.heads.count == bench.fake.state.withLock { $0.log.count })
        }
    }

    @Test(.enabled(if: access("/usr/bin/openssl", X_OK) == 0, "needs openssl(1)"))
    func `makes a tunnel to a registry with TLS, whose certificate is checked`() async throws {
        var template = Array("/tmp/swiftlet-proxy-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { _ = system("rm -rf \(folder)") }
        let made = try Program.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(folder)/key.pem", "-out",
                "\(folder)/ca.pem",
            ]
                + ["-days", "2", "-subj", "/CN=registry.test", "-addext", "subjectAltName=DNS:registry.test"])
        try #require(made.status.code == 0, "\(made.errors)")
        let tls = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile("\(folder)/ca.pem").map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(folder)/key.pem", format: .pem))))
        try await withBench(tls: tls) { bench in
            let proxy = FakeProxy(to: bench.fake.port)
            defer { proxy.stop() }
            bench.registry.proxies = try HTTPProxies(["HTTPS_PROXY": "127.0.0.1:\(proxy.port)"])
            bench.fake.addImage("1", layers: [bytes(7, 5000)])
            let name = try ImageName("registry.test/team/app:1")
            let stranger = try await failure(bench.registry, name)
            #expect(stranger.contains("TLS"), "\(stranger)")
            bench.registry.configuration.hosts["registry.test"] = .init(caFile: "\(folder)/ca.pem")
            try await bench.registry.pull(name)
            #expect(proxy.heads.allSatisfy { $0.hasPrefix("CONNECT registry.test:443 HTTP/1.1\r\n") })
        }
    }

    @Test func `that refuses is named with its reason`() async throws {
        try await withBench { bench in
            let proxy = FakeProxy(to: bench.fake.port, refusal: "407 Proxy Authentication Required")
            defer { proxy.stop() }
            bench.registry.proxies = try HTTPProxies(["HTTPS_PROXY": "127.0.0.1:\(proxy.port)"])
            let text = try await failure(bench.registry, try ImageName("registry.test/team/app:1"))
            #expect(text.contains("the proxy 127.0.0.1:\(proxy.port) refuses registry.test:443: 407"), "\(text)")
        }
    }

    /// What a pull that fails says.
    private func failure(_ registry: Registry, _ name: ImageName) async throws -> String {
        do {
            try await registry.pull(name)
            return "the pull succeeded"
        } catch { return error.description }
    }

    @Test func `an IPv6 registry has its address in brackets`() throws {
        let name = try ImageName("[2001:db8::1]:5000/team/app:1")
        #expect(name.registry == "[2001:db8::1]:5000" && name.repository == "team/app" && name.tag == "1")
        #expect(HTTPAddress("https://[2001:DB8::1]:5000/v2/")?.description == "https://[2001:db8::1]:5000/v2/")
        #expect(HTTPAddress("https://[::1]/")?.description == "https://[::1]/")
        for wrong in ["https://[::1/", "https://::1/", "https://[::1]x/", "https://[a.b]/", "https://[::1]:/"] {
            #expect(HTTPAddress(wrong) == nil, "\(wrong)")
        }
        for wrong in ["[::1/a:1", "[]/a", "[a.b]/a", "[::1]:x/a", "[::1]y/a"] {
            #expect(throws: ImageError.self, "\(wrong)") { try ImageName(wrong) }
        }
    }
}
