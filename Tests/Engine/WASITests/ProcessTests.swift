// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import WASI
import Wasm

@Suite struct `arguments, environment, clocks and the end` {
    @Test func `argument strings stand behind each other with their NULs`() {
        let guest = FakeGuest(WASIConfiguration(arguments: ["app", "", "zwölf"], environment: ["A=1"]))
        #expect(guest.call("args_sizes_get", 16, 20) == .success)
        #expect(guest.u32(16) == 3)
        #expect(guest.u32(20) == 4 + 1 + 7)
        #expect(guest.call("args_get", 32, 64) == .success)
        #expect(guest.u32(32) == 64)
        #expect(guest.u32(36) == 68)
        #expect(guest.u32(40) == 69)
        #expect(guest.text(64, 12) == "app\0\0zwölf\0")
        #expect(guest.call("environ_sizes_get", 16, 20) == .success)
        #expect(guest.u32(16) == 1)
        #expect(guest.u32(20) == 4)
    }

    @Test func `results outside the memory are a fault`() {
        let guest = FakeGuest(WASIConfiguration(arguments: ["a"]))
        let end = UInt32(guest.bytes.count)
        #expect(guest.call("args_sizes_get", .i32(end - 3), 16) == .fault)
        #expect(guest.call("args_get", .i32(end - 4), .i32(end - 1)) == .fault)
        #expect(guest.call("args_get", .i32(.max), 0) == .fault)
        #expect(guest.call("clock_time_get", 0, .i64(0), .i32(end - 7)) == .fault)
        #expect(guest.call("random_get", .i32(end - 1), 2) == .fault)
        #expect(guest.call("random_get", 0, .i32(.max)) == .fault)
    }

    @Test func `every clock has a time and a resolution`() {
        let guest = FakeGuest()
        for clock: UInt32 in 0...3 {
            #expect(guest.call("clock_res_get", .i32(clock), 16) == .success)
            #expect(guest.u64(16) > 0)
            #expect(guest.call("clock_time_get", .i32(clock), .i64(1), 24) == .success)
            #expect(guest.u64(24) > 0)
        }
        #expect(guest.call("clock_time_get", 4, .i64(1), 24) == .invalid)
        #expect(guest.call("clock_res_get", 4, 24) == .invalid)
    }

    @Test func `random bytes fill the buffer, also a large one and an empty one`() {
        let guest = FakeGuest()
        #expect(guest.call("random_get", 0, 0) == .success)
        #expect(guest.call("random_get", 0, 1_048_576) == .success)
        #expect(Set(guest.bytes.suffix(4096)).count > 200)
    }

    @Test func `exit ends the guest with its status`() {
        #expect(FakeGuest().outcome("proc_exit", results: [], 33) == .exit(33))
    }

    @Test func `raising a deadly signal ends the guest, an ignored one does not`() {
        let guest = FakeGuest()
        #expect(guest.outcome("proc_raise", results: [.i32], 6) == .exit(134))
        #expect(guest.outcome("proc_raise", results: [.i32], 15) == .exit(143))
        #expect(guest.call("proc_raise", 16) == .success)
        #expect(guest.call("proc_raise", 18) == .notSupported)
        #expect(guest.call("proc_raise", 77) == .invalid)
    }

    @Test func `all 46 functions are there, under both module names`() {
        let context = WASIContext(WASIConfiguration())
        let standard: Set<String> = [
            "args_get", "args_sizes_get", "environ_get", "environ_sizes_get", "clock_res_get", "clock_time_get",
            "fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get", "fd_fdstat_set_flags",
            "fd_fdstat_set_rights", "fd_filestat_get", "fd_filestat_set_size", "fd_filestat_set_times", "fd_pread",
            "fd_prestat_get", "fd_prestat_dir_name", "fd_pwrite", "fd_read", "fd_readdir", "fd_renumber", "fd_seek",
            "fd_sync", "fd_tell", "fd_write", "path_create_directory", "path_filestat_get",
            "path_filestat_set_times", "path_link", "path_open", "path_readlink", "path_remove_directory",
            "path_rename", "path_symlink", "path_unlink_file", "poll_oneoff", "proc_exit", "proc_raise",
            "sched_yield", "random_get", "sock_accept", "sock_recv", "sock_send", "sock_shutdown",
        ]
        #expect(standard.count == 46)
        let names = context.functionNames(inModule: "wasi_snapshot_preview1")
        #expect(standard.isSubset(of: names))
        #expect(Set(names).count == names.count)
        #expect(Set(context.functionNames(inModule: "wasi_unstable")) == standard)
        #expect(context.functionNames(inModule: "env").isEmpty)
    }

    @Test func `a function with another type is not served`() {
        let context = WASIContext(WASIConfiguration())
        let wrong = FunctionType(parameters: [.i32, .i32, .i32], results: [.i32])
        #expect(context.function(module: "wasi_snapshot_preview1", name: "args_get", type: wrong) == nil)
        let two = FunctionType(parameters: [.i32, .i32], results: [.i32])
        #expect(context.function(module: "wasi_snapshot_preview1", name: "sock_accept", type: two) != nil)
        #expect(context.function(module: "wasi_snapshot_preview1", name: "sock_accept", type: wrong) != nil)
        #expect(context.function(module: "other", name: "args_get", type: two) == nil)
    }
}
