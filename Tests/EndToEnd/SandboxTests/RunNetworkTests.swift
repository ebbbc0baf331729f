// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet run` with the network options.

import Glibc
import TestSupport
import Testing

private let swiftlet = BuiltProducts.program("swiftlet")
private let server = "\(BuiltProducts.packageRoot)/.build/guests/wasm-api.wasm"

/// A port of 127.0.0.1 that was free a moment ago.
private func freePort() -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            _ = bind(descriptor, $0, size)
            _ = getsockname(descriptor, $0, &size)
        }
    }
    return UInt16(bigEndian: name.sin_port)
}

@Suite(.serialized, .enabled(if: BuiltProducts.exists(swiftlet) && BuiltProducts.exists(server), "needs the build"))
struct `swiftlet run with a network` {
    @Test func `--net lets a server listen, and Ctrl-C lets it finish`() throws {
        let port = freePort()
        let run = try Program(swiftlet, ["run", "--net", "--env", "PORT=\(port)", server])
        #expect(run.waitForOutput { $0.contains("listening on port \(port)") }, "\(run.standardError)")
        let answer = try Program.run("/usr/bin/curl", ["-sS", "-m", "5", "http://127.0.0.1:\(port)/api/health"])
        #expect(answer.output.contains("\"status\":\"ok\""), "\(answer.errors)")
        run.signal(SIGINT)
        #expect(run.wait(seconds: 10)?.code == 0)
        #expect(run.standardOutput.contains("stopped, every request answered"))
    }

    @Test func `without --net there are no sockets`() throws {
        let result = try Program.run(swiftlet, ["run", "--env", "PORT=\(freePort())", server])
        #expect(result.status.code == 1 && result.errors.contains("cannot listen on port"), "\(result)")
    }

    /// A Rust program of wazero's test data: accepts one connection on descriptor 3 and prints what comes.
    @Test(.enabled(if: SharedData.isPresent, "needs the shared test data"))
    func `--listen hands over a listening socket`() throws {
        let port = freePort()
        let module = SharedData.path("testdata/programs/wasip1/wasi_rust_sockaccept.wasm")
        let run = try Program(swiftlet, ["run", "--listen", "127.0.0.1:\(port)", module, "sock"])
        var sent: Int32? = 1
        for _ in 0..<100 where sent != 0 {
            sent = try Program.run("/bin/bash", ["-c", "printf wazero > /dev/tcp/127.0.0.1/\(port)"]).status.code
            usleep(20_000)
        }
        #expect(sent == 0 && run.wait(seconds: 10)?.code == 0, "\(run.standardError)")
        #expect(run.standardOutput.contains("wazero"))
    }

    @Test func `a port that is taken is named, and nothing runs`() throws {
        let port = freePort()
        let first = try Program(swiftlet, ["run", "--net", "--env", "PORT=\(port)", server])
        #expect(first.waitForOutput { $0.contains("listening") })
        let second = try Program.run(swiftlet, ["run", "--listen", "127.0.0.1:\(port)", server])
        #expect(second.status.code == 125, "\(second)")
        #expect(second.errors.contains("127.0.0.1:\(port)") && second.errors.contains("EADDRINUSE"))
        first.signal(SIGINT)
        _ = first.wait(seconds: 10)
    }
}
