// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a sandbox tells about where its guest spends its time.

import Glibc
import LaunchProtocol
import Linux
import TestSupport
import Testing
import WasmRuntime
import Workload

private let sandboxPath = BuiltProducts.program("swiftlet-sandbox")

/// Functions by index: 0 is imported, 1 never called, 2 hot, 3 called and short, 4 warm, 5 `_start`.
private let work = """
    (module
      (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
      (memory (export "memory") 1)
      (func (param i32) (result i32) (i32.const 1))
      (func $spin (param i32) (result i32) (local i32)
        (loop
          (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (local.get 0)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
      (func $short (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func $warm (param i32) (local i32)
        (loop
          (local.set 1 (i32.xor (local.get 1) (local.get 0)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
      (func (export "_start")
        (drop (call 0))
        (drop (call $spin (call $short (i32.const 200000000))))
        (call $warm (i32.const 20000000))))
    """

@Suite(.enabled(if: BuiltProducts.exists(sandboxPath), "needs the built sandbox")) struct `A profile` {
    @Test func `has the functions that the time goes to, and those that were called`() throws {
        let directory = TemporaryDirectory()
        let module = try Files.open(directory.write(Array(work.utf8), to: "work.wat"), O_RDONLY)
        let null = try Files.open("/dev/null", O_RDWR)
        let buffer = try ProfileBuffer.create()
        #expect(try ProfileBuffer.read(buffer.rawValue) == FunctionProfile())
        var request = LaunchRequest(
            spec: LaunchSpec(
                name: "work.wat", moduleDescriptor: module.rawValue, profileDescriptor: buffer.rawValue,
                endsWithSupervisor: false))
        request.streams = StandardStreams(
            input: null.rawValue, output: null.rawValue, error: null.rawValue)
        let exit = try SandboxLauncher(executablePath: sandboxPath).launch(request).wait()
        #expect(exit.code == 0 && exit.reason == .completed, "\(exit)")

        let profile = try ProfileBuffer.read(buffer.rawValue)
        #expect(profile.hot.first == 2, "\(profile)")
        #expect(profile.hottest(share: 0.5) == [2])
        #expect(!profile.hot.contains(1) && !profile.called.contains(1), "function 1 was never called: \(profile)")
        let seen = Set(profile.hot + profile.called)
        #expect(seen == [2, 3, 4, 5], "\(profile)")
        #expect(profile.samples == profile.samples.sorted(by: >) && profile.samples.count == profile.hot.count)
    }

    @Test func `that a guest has filled with nonsense is still in order`() throws {
        let buffer = try ProfileBuffer.create()
        // The highest function index, everything at once, and a page in between.
        for (index, value) in [(ProfileBuffer.functionCountMax - 1, UInt32.max), (70_000, 17), (3, 1), (4, 33)] {
            var value = value
            #expect(pwrite(buffer.rawValue, &value, 4, off_t(index * 4)) == 4)
        }
        let profile = try ProfileBuffer.read(buffer.rawValue)
        #expect(profile.hot == [UInt32(ProfileBuffer.functionCountMax - 1), 4, 70_000])
        #expect(profile.samples == [UInt32.max / 16, 2, 1])
        #expect(profile.called == [3])
        // Its size is sealed: nobody can make the supervisor's reading fail.
        #expect(ftruncate(buffer.rawValue, 0) != 0 && errno == EPERM)

        let directory = TemporaryDirectory()
        let file = try ProfileBuffer.create(at: "\(directory.path)/profile")
        var value: UInt32 = 32
        #expect(pwrite(file.rawValue, &value, 4, 40) == 4)
        #expect(try ProfileBuffer.read(at: "\(directory.path)/profile").hot == [10])
    }

    @Test func `counts in the engine's unit`() {
        #expect(ProfileBuffer.sampleWeight == ExecutionProfile.sampleWeight)
    }
}
