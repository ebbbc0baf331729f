// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import WASI
import Wasm

/// The core types of the interface, worked out from the witx: i for i32, I for i64.
private let signatures: [(name: String, parameters: String)] = [
    ("args_get", "ii"), ("args_sizes_get", "ii"), ("environ_get", "ii"), ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"), ("clock_time_get", "iIi"), ("fd_advise", "iIIi"), ("fd_allocate", "iII"),
    ("fd_close", "i"), ("fd_datasync", "i"), ("fd_fdstat_get", "ii"), ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"), ("fd_filestat_get", "ii"), ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"), ("fd_pread", "iiiIi"), ("fd_prestat_get", "ii"), ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"), ("fd_read", "iiii"), ("fd_readdir", "iiiIi"), ("fd_renumber", "ii"), ("fd_seek", "iIii"),
    ("fd_sync", "i"), ("fd_tell", "ii"), ("fd_write", "iiii"), ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"), ("path_filestat_set_times", "iiiiIIi"), ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"), ("path_readlink", "iiiiii"), ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"), ("path_symlink", "iiiii"), ("path_unlink_file", "iii"), ("poll_oneoff", "iiii"),
    ("proc_raise", "i"), ("sched_yield", ""), ("random_get", "ii"), ("sock_accept", "iii"), ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"), ("sock_shutdown", "ii"),
]

/// The WasmEdge extension, as its guest crate and the modules built with it import it.
private let extensions: [(name: String, parameters: String)] = [
    ("sock_open", "iii"), ("sock_bind", "iii"), ("sock_listen", "ii"), ("sock_accept", "ii"), ("sock_connect", "iii"),
    ("sock_recv_from", "iiiiiii"), ("sock_recv_from", "iiiiiiii"), ("sock_send_to", "iiiiiii"),
    ("sock_getsockopt", "iiiii"), ("sock_setsockopt", "iiiii"), ("sock_getlocaladdr", "iiii"),
    ("sock_getpeeraddr", "iiii"), ("sock_getaddrinfo", "iiiiiiii"), ("sock_open_v2", "iii"), ("sock_bind_v2", "iii"),
    ("sock_listen_v2", "ii"), ("sock_accept_v2", "iii"), ("sock_connect_v2", "iii"), ("sock_recv_v2", "iiiiii"),
    ("sock_recv_from_v2", "iiiiiiii"), ("sock_send_v2", "iiiii"), ("sock_send_to_v2", "iiiiiii"),
    ("sock_getlocaladdr_v2", "iii"), ("sock_getpeeraddr_v2", "iii"), ("epoll_oneoff", "iiii"),
]

private func type(_ parameters: String, result: Bool = true) -> FunctionType {
    FunctionType(parameters: parameters.map { $0 == "I" ? .i64 : .i32 }, results: result ? [.i32] : [])
}

@Suite struct `the interface` {
    @Test func `has the types of the witx and of the extension`() {
        let context = WASIContext(WASIConfiguration())
        for (name, parameters) in signatures {
            for module in ["wasi_snapshot_preview1", "wasi_unstable"] {
                #expect(context.function(module: module, name: name, type: type(parameters)) != nil, "\(name)")
            }
        }
        let exit = type("i", result: false)
        #expect(context.function(module: "wasi_snapshot_preview1", name: "proc_exit", type: exit) != nil)
        for (name, parameters) in extensions {
            let module = "wasi_snapshot_preview1"
            #expect(context.function(module: module, name: name, type: type(parameters)) != nil, "\(name)")
            #expect(context.function(module: "wasi_unstable", name: name, type: type(parameters)) == nil, "\(name)")
        }
    }

    /// 200,000 calls with arguments that are often bad in one place. What a guest passes must never reach memory that
    /// is not the guest's, and never end the process.
    @Test func `random arguments are answered, and touch nothing outside the guest's memory`() throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        directory.makeDirectory("d")
        for name in ["a", "b", "d/c"] { directory.write(name, "content") }
        directory.link("l", to: "d")
        let null = open("/dev/null", O_RDWR)
        defer { close(null) }
        // Asked to end from the start: nothing waits for long.
        let waiter = Waiter()
        waiter.stop()
        var configuration = WASIConfiguration(
            arguments: ["x"], environment: ["A=1"],
            preopens: [PreopenedDirectory(descriptor: directory.open(), guestPath: "/")],
            network: NetworkAccess(isAllowed: true, podAddress: 0x7F40_0201, hosts: [("h", 1)]), descriptorCountMax: 32)
        configuration.standardDescriptors = [null, null, null]
        let context = WASIContext(configuration, waiter: waiter)

        let (guard1, size) = (65_536, 65_536)
        let all = UnsafeMutableRawBufferPointer.allocate(byteCount: guard1 * 2 + size, alignment: 16)
        defer { all.deallocate() }
        all.initializeMemory(as: UInt8.self, repeating: 0xA5)
        let memory = GuestMemory(base: try #require(all.baseAddress) + guard1, byteCount: size)

        var state: UInt64 = 7
        func random(_ limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 32) % limit
        }
        func fill() {
            for offset in stride(from: UInt32(0), to: UInt32(size), by: 4) {
                let value: UInt64 =
                    switch random(6) {
                    case 0: random(1 << 32)
                    case 1: random(40)
                    case 2: UInt64(truncatingIfNeeded: 0x2F64_2F2E)  // "./d/"
                    case 3: 0x61 + random(2)
                    default: random(UInt64(size))
                    }
                _ = memory.store(UInt32(truncatingIfNeeded: value), at: offset)
            }
        }
        // Not fd_allocate: it would fill the disk. Not poll_oneoff and new sockets: they may rightly wait forever.
        let left = [
            "fd_allocate", "fd_sync", "fd_datasync", "poll_oneoff", "epoll_oneoff", "sock_open", "sock_open_v2",
        ]
        let functions = (signatures + extensions).filter { !left.contains($0.name) }.compactMap { entry in
            context.function(module: "wasi_snapshot_preview1", name: entry.name, type: type(entry.parameters)).map {
                (entry.parameters.utf8.count, $0)
            }
        }
        for round in 0..<200_000 {
            if round % 1000 == 0 { fill() }
            let (count, function) = functions[Int(random(UInt64(functions.count)))]
            let slots = (0..<(count + 1)).map { _ -> UInt64 in
                switch random(8) {
                case 0: random(1 << 32)
                case 1: UInt64(size) - random(9)
                case 2: random(UInt64(size))
                case 3: UInt64(UInt32.max) - random(3)
                default: random(12)
                }
            }
            var result = UInt64.max
            slots.withUnsafeBufferPointer { buffer in
                guard let first = buffer.baseAddress else { return }
                withUnsafeMutablePointer(to: &result) {
                    _ = function.body(HostCall(memory: memory, arguments: first, results: $0))
                }
            }
        }
        #expect(all[..<guard1].allSatisfy { $0 == 0xA5 })
        #expect(all[(guard1 + size)...].allSatisfy { $0 == 0xA5 })
    }
}
