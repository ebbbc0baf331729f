// SPDX-License-Identifier: Apache-2.0
// Swiftlet: native code of the module, taken in while memory may still become executable.

import Glibc
import LaunchProtocol
import Linux
import NativeImage
import WasmRuntime

/// Whether a launch has native code, and a store that is ready for it.
struct NativeLaunch {
    private(set) var code: NativeCode?
    let store: Store
    let limits: StoreLimits
    /// Why there is none although there was an image.
    private(set) var problem: String?

    /// Maps the image of the spec, if it has one. Nothing of the module is looked at.
    init(_ spec: LaunchSpec) throws(LaunchFailure) {
        var limits = StoreLimits()
        limits.memoryBytes = spec.limits.memoryBytes
        limits.callDepth = Int(spec.limits.callDepth)
        limits.fuel = spec.limits.fuel
        var code: NativeCode?
        if let descriptor = spec.nativeDescriptor, spec.engine != .interpreter {
            do throws(NativeImageError) {
                let mapping = try NativeImageMapping(descriptor: descriptor)
                code = NativeCode(mapping.image, owner: mapping)
                limits.allowsNativeCode = true
            } catch { problem = error.description }
            close(descriptor)
        }
        self.limits = limits
        do throws(ResourceError) { store = try Store(limits: limits) } catch {
            throw LaunchFailure(stage: .instantiation, message: InstantiationError.resource(error).description)
        }
        if code != nil {
            do throws(NativeCodeMismatch) {
                try store.prepareNativeCode()
                self.code = code
            } catch { problem = error.description }
        }
        if spec.engine == .aot, self.code == nil {
            throw LaunchFailure(
                stage: .spec, message: "engine aot: \(problem ?? "the supervisor has no native code of the module")")
        }
    }

    /// Starts to fill the supervisor's profile, if it wants one: before the filter, which knows no timers.
    func profile(_ spec: LaunchSpec) throws(LaunchFailure) {
        guard let descriptor = spec.profileDescriptor else { return }
        defer { close(descriptor) }
        guard
            let memory = mmap(
                nil, ProfileBuffer.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else { throw LaunchFailure(stage: .spec, message: "mmap of the profile: \(Errno.current)") }
        let counts = UnsafeMutableBufferPointer(
            start: memory.assumingMemoryBound(to: UInt32.self), count: ProfileBuffer.functionCountMax)
        let error = ExecutionProfile.start(counts)
        guard error == 0 else {
            throw LaunchFailure(stage: .spec, message: "the profile's timer: \(Errno(rawValue: error))")
        }
    }

    /// Whether the instance took the code.
    func runs(in instance: Instance) -> Bool { code != nil && instance.nativeMismatch == nil }

    /// Tells why the interpreter runs although there was an image; with engine `aot` the launch ends.
    func report(_ instance: Instance, _ spec: LaunchSpec, to control: Int32) throws(LaunchFailure) {
        guard let problem = problem ?? instance.nativeMismatch?.description else { return }
        guard spec.engine != .aot else {
            throw LaunchFailure(stage: .instantiation, message: "engine aot: \(problem)")
        }
        SandboxSocket.send(.warning("\(problem); the interpreter runs"), to: control)
    }
}
