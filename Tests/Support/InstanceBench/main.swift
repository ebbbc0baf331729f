// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what a fresh instance costs, for hack/bench/instances.py.
//
// Usage: InstanceBench MODULE. Prints microseconds, medians of 400: `instantiate`, `from-image`, and `reset-N` for a reset
// after N pages of memory were written.

import Glibc
import Wasm
import WasmRuntime
import WasmText

/// Serves every import with a function that ends the guest.
private struct AnyHost: HostModule {
    func function(module: String, name: String, type: FunctionType) -> HostFunction? {
        HostFunction(type: type) { _ in .exit(0) }
    }
    func functionNames(inModule module: String) -> [String] { [] }
    var moduleNames: [String] { [] }
}

private func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

private func median(_ name: String, prepare: () -> Void = {}, _ body: () throws -> Void) rethrows {
    var times: [UInt64] = []
    for _ in 0..<400 {
        prepare()
        let start = nanoseconds()
        try body()
        times.append(nanoseconds() - start)
    }
    times.sort()
    let hundredths = times[times.count / 2] / 10
    print("\(name) \(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)")
}

guard CommandLine.arguments.count == 2, let file = fopen(CommandLine.arguments[1], "r") else {
    print("usage: InstanceBench MODULE")
    exit(2)
}
private var bytes: [UInt8] = []
private var buffer = [UInt8](repeating: 0, count: 1 << 16)
while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
private let module = try TextFormat.load(ModuleBytes(bytes), name: CommandLine.arguments[1], features: .supported)
private let imports = Imports(hosts: [AnyHost()])

try median("instantiate") { _ = try Instance(module, in: Store(), imports: imports) }
private let image = try InstanceImage(of: Instance(module, in: Store(), imports: imports))
try median("from-image") { _ = try Instance(image, in: Store(), imports: imports) }

private let instance = try Instance(image, in: Store(), imports: imports)
for pages in [0, 8, 64] {
    try median(
        "reset-\(pages)",
        prepare: {
            guard let memory = instance.memory?.guest else { return }
            // From the end down: stacks and heaps are there, and pages of data segments.
            for page in 0..<min(pages, memory.byteCount / 4096) {
                memory.base.storeBytes(of: 1, toByteOffset: memory.byteCount - 4096 * (page + 1), as: UInt8.self)
            }
        }, { try instance.reset() })
}
