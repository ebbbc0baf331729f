// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: digests and names.

import Images
import Testing

@Suite struct `Digests` {
    @Test func `are SHA-256 in hexadecimal`() {
        // FIPS 180-2, appendix B.
        #expect(
            Digest.of(Array("abc".utf8)).description
                == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Digest.of([]).hex.hasPrefix("e3b0c44298fc1c149afbf4c8996fb924"))
    }

    @Test(arguments: [
        "", "sha256:", "sha256:abc", "sha512:" + String(repeating: "a", count: 128),
        "sha256:" + String(repeating: "A", count: 64), "sha256:" + String(repeating: "g", count: 64),
        String(repeating: "a", count: 64),
    ])
    func `refuse what is none`(text: String) {
        #expect(throws: ImageError.self) { try Digest(text) }
    }
}

@Suite struct `Image names` {
    @Test(arguments: [
        ("hello", "docker.io/library/hello:latest"),
        ("hello:1", "docker.io/library/hello:1"),
        ("team/hello", "docker.io/team/hello:latest"),
        ("index.docker.io/hello", "docker.io/library/hello:latest"),
        ("localhost/a/b", "localhost/a/b:latest"),
        ("127.0.0.1:5000/a:v1.2-x", "127.0.0.1:5000/a:v1.2-x"),
        ("ghcr.io/Team", nil),
        ("Host/a", "Host/a:latest"),
        ("a__b/c--d.e", "docker.io/a__b/c--d.e:latest"),
        ("a___b", nil), ("-a", nil), ("a-", nil), ("a//b", nil), ("a:", nil), ("a b", nil), ("", nil),
        ("a@sha256:1", nil),
        ("host:99999/a", nil), ("/a", nil), ("a/", nil), ("é", nil), ("a:.b", nil), ("../a", nil),
    ])
    func `are normalised as container tools do it`(text: String, expected: String?) {
        #expect((try? ImageName(text))?.description == expected)
        if let expected { #expect((try? ImageName(expected))?.description == expected) }
    }

    @Test func `keep a digest and then need no tag`() throws {
        let digest = Digest.of([1])
        let name = try ImageName("localhost/a@\(digest)")
        #expect(name.tag == nil && name.digest == digest && name.reference == digest.description)
        #expect(try ImageName("localhost/a:1@\(digest)").description == "localhost/a:1@\(digest)")
    }
}
