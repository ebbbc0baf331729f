// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import TestSupport
import Testing
import WASI
import Wasm

/// A row of EXPECTED-wasmtime49.tsv: what another engine printed. Strings are in Python's notation.
struct ExpectedRun: Sendable, CustomTestStringConvertible {
    var module: String
    var options: [String]
    var arguments: [String]
    var input: [UInt8]
    var status: UInt32
    var output: [UInt8]
    /// The output was too long for the table; only its beginning is there.
    var isCut: Bool
    var errors: [UInt8]

    var testDescription: String { "\(module) \(arguments)" }

    init?(row: Substring) {
        let fields = row.split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count == 7, let status = UInt32(fields[4]) else { return nil }
        module = "testdata/" + fields[0]
        options = fields[1].split(separator: " ").map(String.init)
        arguments = PythonLiteral.strings(fields[2]).map { String(decoding: $0, as: UTF8.self) }
        input = PythonLiteral.strings(fields[3]).first ?? []
        self.status = status
        output = PythonLiteral.strings(fields[5]).first ?? []
        isCut = fields[5].contains("…sha256=")
        errors = PythonLiteral.strings(fields[6]).first ?? []
    }

    static let all: [ExpectedRun] = {
        guard let bytes = try? SharedData.bytes("testdata/programs/EXPECTED-wasmtime49.tsv") else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst().compactMap(ExpectedRun.init)
    }()
}

/// String literals as Python's repr() writes them.
enum PythonLiteral {
    /// All string literals in `text`, in order, in UTF-8.
    static func strings(_ text: Substring) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var rest = text.utf8[...]
        while let quote = rest.popFirst() {
            guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { continue }
            var string: [UInt8] = []
            while let byte = rest.popFirst(), byte != quote {
                string += byte == UInt8(ascii: "\\") ? escape(&rest) : [byte]
            }
            result.append(string)
        }
        return result
    }

    private static func escape(_ rest: inout Substring.UTF8View) -> [UInt8] {
        switch rest.popFirst() {
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "x"):
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            rest = rest.dropFirst(2)
            return UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init).map { Array(String($0).utf8) } ?? []
        case let byte?: return [byte]
        case nil: return []
        }
    }
}

@Suite(.enabled(if: SharedData.isPresent, "needs the shared test data")) struct `real programs` {
    /// Modules in the component format are for another engine, and one program of the table is not in the data.
    static let runs = ExpectedRun.all.filter {
        !$0.module.contains("/components/") && access(SharedData.path($0.module), R_OK) == 0
    }
    static let server = "testdata/wasmedge/wasmedge_quickjs_v0.5.wasm"

    @Test func `are there`() { #expect(Self.runs.count >= 20) }

    @Test(arguments: runs) func `print what they print elsewhere`(expected: ExpectedRun) throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        try folder.write("f.txt", Array("hello\n".utf8))
        var run = GuestRun(module: expected.module, arguments: expected.arguments, input: expected.input)
        for (index, option) in expected.options.enumerated() {
            if option.hasPrefix("--dir=d::") { run.directories = [(folder.path, String(option.dropFirst(9)))] }
            if option == "--env" { run.environment.append(expected.options[index + 1]) }
        }
        try check(run, expected)
    }

    private func check(_ run: GuestRun, _ expected: ExpectedRun) throws {
        let outcome = try run()
        if String(decoding: expected.errors, as: UTF8.self).hasPrefix("Error: failed to run main module") {
            // The other engine's own words: for a trap, or because the module has no memory for WASI. Such a module
            // ends with its own status here.
            #expect(outcome.status == (expected.status == 134 ? 134 : 2))
        } else {
            #expect(outcome.status == expected.status, "\(outcome.errorText) \(outcome.trap)")
            #expect(outcome.errors.starts(with: expected.errors), "\(outcome.errorText)")
        }
        if expected.isCut {
            let shown = expected.output.prefix(1 + expected.output.count / 2)
            #expect(outcome.output.starts(with: shown))
        } else {
            #expect(outcome.output == expected.output, "\(outcome.text)")
        }
    }

    @Test func `a Rust server accepts on a preopened listener`() throws {
        let (host, port) = try listener()
        var run = GuestRun(module: "testdata/programs/wasip1/wasi_rust_sockaccept.wasm", arguments: ["sock"])
        run.listeners = [host]
        let client = Client(port: port, message: "wazero")
        let outcome = try run()
        _ = client.answer()
        #expect(outcome.status == 0, "\(outcome.errorText)")
        #expect(outcome.text == "wazero\n")
    }

    @Test func `a QuickJS server of WasmEdge answers, and ends when it is asked to`() throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let (reserved, port) = try listener()
        close(reserved)
        let script = """
            import * as net from 'wasi_net';
            async function handle(connection) {
                let data = await connection.read();
                let text = '';
                for (let byte of new Uint8Array(data)) text += String.fromCharCode(byte);
                connection.write('echo:' + text);
            }
            async function serve() {
                let server = new net.WasiTcpServer(\(port));
                while (true) {
                    try {
                        handle(await server.accept());
                    } catch (error) {
                        print('ended');
                        return;
                    }
                }
            }
            serve();
            """
        try folder.write("server.js", Array(script.utf8))
        var run = GuestRun(module: Self.server, arguments: ["server.js"])
        run.directories = [(folder.path, ".")]
        run.network = NetworkAccess(isAllowed: true, podAddress: 0x7F40_0101)
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        let control = ends[0]
        run.waiter = Waiter(controlDescriptor: control) { waiter in
            var byte: UInt8 = 0
            _ = read(control, &byte, 1)
            waiter.stop()
        }
        let client = Client(port: port, ip: 0x7F40_0101, message: "hello", then: ends[1])
        let outcome = try run()
        #expect(client.answer() == "echo:hello", "\(outcome.errorText) \(outcome.trap)")
        #expect(outcome.status == 0, "\(outcome.text) \(outcome.errorText)")
    }

    /// A listening socket on a free port of 127.0.0.1.
    private func listener() throws -> (host: Int32, port: UInt16) {
        let host = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(host, $0, length) == 0 && listen(host, 8) == 0 && getsockname(host, $0, &length) == 0
            }
        }
        guard code else { throw Failure("no listener: errno \(errno)") }
        return (host, UInt16(bigEndian: address.sin_port))
    }
}

/// Connects as soon as somebody listens, sends, and reads until the other side pauses. On its own thread.
final class Client: Sendable {
    private let result = Mutex<String?>(nil)

    /// - Parameter then: gets a byte when the answer is there, or when there is none.
    init(port: UInt16, ip: UInt32 = 0x7F00_0001, message: String, then descriptor: Int32? = nil) {
        final class Box { let run: () -> Void; init(_ run: @escaping () -> Void) { self.run = run } }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(
            Box { [self] in
                let answer = Client.talk(port, ip, message)
                result.withLock { $0 = answer }
                if let descriptor { _ = write(descriptor, "x", 1) }
            })
        pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        pthread_detach(thread)
    }

    /// What came back, at the latest after 10 s.
    func answer() -> String? {
        for _ in 0..<1000 {
            if let answer = result.withLock({ $0 }) { return answer }
            usleep(10_000)
        }
        return nil
    }

    private static func talk(_ port: UInt16, _ ip: UInt32, _ message: String) -> String {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = ip.bigEndian
        for _ in 0..<1000 {
            let host = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(host) }
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(host, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard code == 0 else {
                usleep(10_000)
                continue
            }
            send(host, message, message.utf8.count, 0)
            var limit = timeval(tv_sec: 5, tv_usec: 0)
            setsockopt(host, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = recv(host, &buffer, buffer.count, 0)
            return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        }
        return "no connection"
    }
}
