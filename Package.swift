// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// The target graph of Swiftlet. Folder order is data-flow order; hack/verify-layers.sh checks that edges point down.
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
    .treatAllWarnings(as: .error),  // SE-0480
]

/// For the processes of a workload, where the start counts (docs/RATIONALE.md): regular expressions, which
/// nothing uses there, would bring a thousand relocations; and a generic type's metadata is made faster by a call than
/// from its mangled name.
let lean: [SwiftSetting] =
    strict + [
        .unsafeFlags([
            "-Xfrontend", "-disable-implicit-string-processing-module-import",
            "-Xfrontend", "-disable-concrete-type-metadata-mangled-name-accessors",
        ])
    ]

/// hack/build.sh sets SWIFTLET_STATIC=1; a plain `swift build` links dynamically and always works.
let isStatic = Context.environment["SWIFTLET_STATIC"] == "1"

/// Every program is static-PIE (ASLR, no DT_NEEDED, about 1 ms from exec to main); needs lld.
let staticLinking: [LinkerSetting] =
    isStatic
    ? [
        .unsafeFlags([
            "-static-executable", "-use-ld=lld", "-Xclang-linker", "-static-pie", "-Xlinker", "--gc-sections",
            "-Xlinker", "--pack-dyn-relocs=relr",
        ])
    ] : []

/// Objects are compiled against the dynamic Foundation essentials: what only the static ones need is named here.
let essentials: [LinkerSetting] =
    isStatic ? [.unsafeFlags(["-l_FoundationCShims", "-l_FoundationCollections"])] : []

/// LLVM's C interface, where Debian's llvm-19-dev has it; the package brings no pkg-config file.
let llvmHeaders: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-I/usr/lib/llvm-19/include"])]
/// Tests use the shared library.
let llvmShared: [LinkerSetting] = [.unsafeFlags(["-L/usr/lib/llvm-19/lib", "-lLLVM-19"])]

func library(_ name: String, in layer: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [])
    -> Target
{
    let isLean = ["Platform", "Engine", "Sandbox", "Shim"].contains(layer) || name == "ModuleRun"
    return .target(
        name: name, dependencies: dependencies, path: "Sources/\(layer)/\(name)", exclude: exclude,
        swiftSettings: isLean ? lean : strict)
}

func system(_ name: String, pkgConfig: String, debian: String) -> Target {
    .systemLibrary(name: name, path: "Sources/Platform/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
}

func command(_ name: String, linking: [LinkerSetting], _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Sources/Commands/\(name)",
        swiftSettings: name == "swiftlet-node" ? strict : lean, linkerSettings: linking)
}

func tests(_ name: String, in folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(folder)/\(name)",
        exclude: [], swiftSettings: strict)
}

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]

// MARK: - Platform: touch the kernel
let platform: [Target] = [
    .target(name: "CLinux", path: "Sources/Platform/CLinux"),
    .target(name: "CEpoll", path: "Sources/Platform/CEpoll"),
    system("CSeccomp", pkgConfig: "libseccomp", debian: "libseccomp-dev"),
    system("CYAML", pkgConfig: "yaml-0.1", debian: "libyaml-dev"),
    system("CSQLite", pkgConfig: "sqlite3", debian: "libsqlite3-dev"),
    system("CZlib", pkgConfig: "zlib", debian: "zlib1g-dev"),
    system("CZstd", pkgConfig: "libzstd", debian: "libzstd-dev"),
    system("CLibCrypto", pkgConfig: "libcrypto", debian: "libssl-dev"),
    // Hashes whole modules, in tests too.
    .target(name: "CDigest", path: "Sources/Platform/CDigest", cSettings: [.unsafeFlags(["-O2"])]),
    .systemLibrary(name: "CLLVM", path: "Sources/Platform/CLLVM", providers: [.apt(["llvm-19-dev"])]),
    library("Linux", in: "Platform", ["CLinux"]),
]

// MARK: - Engine: run the Wasm
let engine: [Target] = [
    library("Wasm", in: "Engine"),
    .target(
        name: "CInterpreter", path: "Sources/Engine/CInterpreter",
        // Frame pointers cost each handler three instructions. Optimised in debug builds too: the handlers are tail
        // calls of each other, and tests run on them. Their short loops must not become calls of memset.
        cSettings: [.unsafeFlags(["-O2", "-fomit-frame-pointer", "-fno-stack-protector", "-fno-builtin"])]),
    library("NativeImage", in: "Engine"),
    library("WasmRuntime", in: "Engine", ["Wasm", "CInterpreter", "NativeImage"]),
    library("WASI", in: "Engine", ["Wasm", "Linux"]),
    library("WasmText", in: "Engine", ["Wasm"]),
    library("WASIThreads", in: "Engine", ["Wasm", "WasmRuntime"]),
    .target(
        name: "WasmCompiler", dependencies: ["Wasm", "NativeImage", "CInterpreter", "WasmRuntime", "CLLVM"],
        path: "Sources/Engine/WasmCompiler", swiftSettings: strict + llvmHeaders),
]

// MARK: - Sandbox: cross the trust boundary
let sandbox: [Target] = [
    library("LaunchProtocol", in: "Sandbox", ["Linux"]),
    .target(name: "CSyscallFilters", path: "Sources/Sandbox/CSyscallFilters"),
    library("Confinement", in: "Sandbox", ["LaunchProtocol", "Linux", "CLinux", "CSeccomp", "CSyscallFilters"]),
]

// MARK: - Shim: own one workload from create to reaped
let shim: [Target] = [
    library("Workload", in: "Shim", ["LaunchProtocol", "Linux"]),
    library("NativeCache", in: "Shim", ["NativeImage", "Linux", "CDigest"]),
    library("OCI", in: "Shim"),
    library("Protobuf", in: "Shim"),
    library("TaskAPI", in: "Shim", ["Protobuf"]),
    library("EventLoop", in: "Shim", ["CEpoll"]),
    library("TTRPC", in: "Shim", ["Protobuf", "EventLoop"]),
    library(
        "TaskService", in: "Shim",
        [
            "OCI", "Protobuf", "TTRPC", "TaskAPI", "EventLoop", "CEpoll", "Workload", "NativeCache", "LaunchProtocol",
            "Linux",
        ]),
    library(
        "OCIRuntime", in: "Shim",
        ["OCI", "TTRPC", "TaskAPI", "TaskService", "Workload", "NativeCache", "LaunchProtocol", "Linux"]),
]

// MARK: - ControlPlane: what should be running
let controlPlane: [Target] = [
    library("KubernetesAPI", in: "ControlPlane"),
    library("Manifests", in: "ControlPlane", ["KubernetesAPI", "CYAML"]),
    library(
        "ObjectStore", in: "ControlPlane",
        ["KubernetesAPI", "CSQLite", .product(name: "Logging", package: "swift-log")]),
    library(
        "Controllers", in: "ControlPlane",
        ["KubernetesAPI", "ObjectStore", .product(name: "Logging", package: "swift-log")]),
    library(
        "APIServer", in: "ControlPlane",
        [
            "KubernetesAPI", "Manifests", "ObjectStore", .product(name: "Logging", package: "swift-log"),
            // The server alone: the framework around it brings full Foundation, 60 MB of the program.
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
]

let apiClient: [Target] = [
    library("APIClient", in: "ControlPlane", nio + ["KubernetesAPI", .product(name: "NIOHTTP1", package: "swift-nio")])
]

// MARK: - Node: make this machine match
let node: [Target] = [
    library("Images", in: "Node", ["OCI", "Linux", "CZlib", "CZstd", "CLibCrypto"]),
    library(
        "Registry", in: "Node",
        nio + [
            "Images", "OCI", "Linux", .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    library(
        "PodNetwork", in: "Node",
        nio + ["KubernetesAPI", "ObjectStore", .product(name: "Logging", package: "swift-log")]),
    library(
        "Probes", in: "Node",
        nio + [
            "KubernetesAPI", .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    library(
        "NodeAgent", in: "Node",
        nio + [
            "KubernetesAPI", "ObjectStore", "PodNetwork", "Probes", "Images", "OCI", "Protobuf", "TTRPC", "TaskAPI",
            "TaskService", "NativeCache", "Linux",
            .product(name: "Logging", package: "swift-log"),
        ]),
]

// MARK: - Commands: composition roots
let commands: [Target] = [
    command(
        "swiftlet-sandbox", linking: staticLinking,
        [
            "LaunchProtocol", "Confinement", "NativeImage", "Wasm", "WasmText", "WasmRuntime", "WASI", "WASIThreads",
            "Linux",
        ]),
    command(
        "containerd-shim-swiftlet-v1", linking: staticLinking,
        ["TaskService", "TaskAPI", "TTRPC", "Protobuf", "EventLoop", "OCI", "Linux"]),
    // The only program that loads LLVM; never part of a workload.
    .executableTarget(
        name: "swiftlet-aot",
        dependencies: [
            "WasmCompiler", "Confinement", "NativeCache", "NativeImage", "Wasm", "WasmText", "Linux",
        ],
        path: "Sources/Commands/swiftlet-aot", swiftSettings: strict + llvmHeaders,
        linkerSettings: (isStatic ? [.unsafeFlags(["-static-stdlib"])] : []) + llvmShared),
    library("ModuleRun", in: "Commands", ["Workload", "LaunchProtocol", "NativeCache", "Linux"]),
    library("Installation", in: "Commands", ["Linux"]),
    command("swiftlet", linking: staticLinking, ["ModuleRun", "Linux"]),
    command("swiftlet-oci", linking: staticLinking, ["OCIRuntime", "Linux"]),
    command(
        "swiftlet-node", linking: staticLinking + essentials,
        [
            "ModuleRun", "NativeCache", "Installation", "KubernetesAPI", "Manifests", "ObjectStore", "Controllers",
            "APIServer", "APIClient",
            "NodeAgent", "Images", "Registry", "OCI", "TTRPC", "TaskService", "NativeImage", "PodNetwork", "Wasm",
            "WasmText", "WASI", "Linux",
            .product(name: "Logging", package: "swift-log"),
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
]

// MARK: - Tests: same folders as Sources; no test depends on an executable, end-to-end tests start the built binaries
let allTests: [Target] = [
    .target(name: "TestSupport", path: "Tests/Support/TestSupport", swiftSettings: strict),
    tests("ModuleRunTests", in: "Commands", ["ModuleRun"]),
    tests("InstallationTests", in: "Commands", ["Installation"]),
    tests("WasmTests", in: "Engine", ["Wasm"]),
    .target(
        name: "NativeSupport", dependencies: ["WasmCompiler", "NativeImage", "Wasm", "WasmRuntime"],
        path: "Tests/Support/NativeSupport", swiftSettings: strict + llvmHeaders, linkerSettings: llvmShared),
    .testTarget(
        name: "WebAssemblySpecTests",
        dependencies: ["Wasm", "WasmRuntime", "WasmText", "WasmCompiler", "TestSupport", "NativeSupport"],
        path: "Tests/Conformance/WebAssemblySpecTests", swiftSettings: strict + llvmHeaders),
    tests("WasmTextTests", in: "Engine", ["Wasm", "WasmRuntime", "WasmText"]),
    tests("WasmRuntimeTests", in: "Engine", ["Wasm", "WasmRuntime", "WasmText"]),
    tests("NativeImageTests", in: "Engine", ["NativeImage"]),
    .testTarget(
        name: "WasmCompilerTests",
        dependencies: [
            "WasmCompiler", "NativeImage", "Wasm", "WasmRuntime", "WasmText", "TestSupport", "NativeSupport",
        ],
        path: "Tests/Engine/WasmCompilerTests", swiftSettings: strict + llvmHeaders, linkerSettings: llvmShared),
    tests("WASITests", in: "Engine", ["WASI", "Wasm", "Linux"]),
    .testTarget(
        name: "WASIConformanceTests",
        dependencies: ["WASI", "Wasm", "WasmCompiler", "WasmRuntime", "TestSupport", "NativeSupport"],
        path: "Tests/Conformance/WASIConformanceTests", swiftSettings: strict + llvmHeaders),
    tests("TestSupportTests", in: "Support", []),
    tests("MainJobTests", in: "EndToEnd", ["KubernetesAPI"]),
    tests("ImagePeerTests", in: "EndToEnd", []),
    tests("APIClientTests", in: "ControlPlane", ["APIClient", "KubernetesAPI"]),
    tests("ProtobufTests", in: "Shim", ["Protobuf", "TaskAPI"]),
    tests("TTRPCTests", in: "Shim", ["TTRPC", "EventLoop", "TaskAPI", "Protobuf"]),
    tests(
        "NodeAgentTests", in: "Node",
        [
            "NodeAgent", "KubernetesAPI", "ObjectStore", "PodNetwork", "Probes", "Images", "OCI",
            .product(name: "Logging", package: "swift-log"),
        ]),
    tests(
        "NodeTests", in: "EndToEnd",
        nio + [
            "NodeAgent", "PodNetwork", "Controllers", "KubernetesAPI", "ObjectStore",
            .product(name: "Logging", package: "swift-log"),
        ]),
    tests("ImagesTests", in: "Node", ["Images", "OCI"]),
    tests(
        "RegistryTests", in: "Node",
        nio + [
            "Registry", "Images", .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    tests("PodNetworkTests", in: "Node", nio + ["PodNetwork", "KubernetesAPI", "ObjectStore"]),
    tests(
        "ProbesTests", in: "Node",
        nio + [
            "Probes", .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOSSL", package: "swift-nio-ssl"),
        ]),
    tests("KubernetesAPITests", in: "ControlPlane", ["KubernetesAPI"]),
    tests("ManifestsTests", in: "ControlPlane", ["Manifests", "KubernetesAPI"]),
    tests("ObjectStoreTests", in: "ControlPlane", ["ObjectStore", "KubernetesAPI", "CSQLite"]),
    tests("OCITests", in: "Shim", ["OCI"]),
    tests(
        "TaskServiceTests", in: "Shim", ["TaskService", "TaskAPI", "TTRPC", "OCI", "EventLoop", "LaunchProtocol"]),
    tests("OCIRuntimeTests", in: "Shim", ["OCIRuntime"]),
    tests(
        "ContainerTests", in: "EndToEnd",
        nio + [
            "OCI", "Protobuf", .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
        ]),
    tests("ShimTests", in: "EndToEnd", ["MockContainerd", "OCI", "Protobuf", "TTRPC", "TaskAPI"]),
    .target(
        name: "MockContainerd", dependencies: ["OCI", "Protobuf", "TTRPC", "TaskAPI", "EventLoop", "Linux"],
        path: "Tests/Support/MockContainerd", swiftSettings: strict),
    .executableTarget(
        name: "ShimBench", dependencies: ["MockContainerd", "OCI", "TaskAPI", "Linux"],
        path: "Tests/Support/ShimBench", swiftSettings: strict, linkerSettings: staticLinking),
    tests("LinuxTests", in: "Platform", ["Linux"]),
    .executableTarget(
        name: "EngineCheck", dependencies: ["NativeSupport", "Wasm", "WasmCompiler", "WasmRuntime"],
        path: "Tests/Support/EngineCheck", swiftSettings: strict + llvmHeaders,
        linkerSettings: (isStatic ? [.unsafeFlags(["-static-stdlib"])] : []) + llvmShared),
    .executableTarget(
        name: "InstanceBench", dependencies: ["Wasm", "WasmRuntime", "WasmText"], path: "Tests/Support/InstanceBench",
        swiftSettings: strict, linkerSettings: staticLinking),
    .executableTarget(
        name: "SyscallFilterWriter", dependencies: ["Confinement"], path: "Tests/Support/SyscallFilterWriter",
        swiftSettings: strict),
    .target(name: "CTestSupport", path: "Tests/Support/CTestSupport"),
    tests(
        "SandboxTests", in: "EndToEnd",
        ["Workload", "LaunchProtocol", "NativeCache", "NativeImage", "Linux", "WasmRuntime"]),
    tests(
        "ConfinementTests", in: "Sandbox",
        ["Confinement", "CSyscallFilters", "LaunchProtocol", "Linux", "CTestSupport"]),
    tests("LaunchProtocolTests", in: "Sandbox", ["LaunchProtocol", "Linux"]),
    tests("NativeCacheTests", in: "Shim", ["NativeCache", "NativeImage", "CDigest", "Linux"]),
    tests("WorkloadTests", in: "Shim", ["Workload", "LaunchProtocol", "Linux"]),
    tests("ControllersTests", in: "ControlPlane", ["Controllers", "ObjectStore", "KubernetesAPI"]),
    tests(
        "APIServerTests", in: "ControlPlane",
        ["APIServer", "APIClient", "Controllers", "ObjectStore", "KubernetesAPI"]),
]

/// hack/sanitize.sh sets SWIFTLET_FUZZER=1: libFuzzer's driver has the main function of this program.
let fuzzers: [Target] =
    Context.environment["SWIFTLET_FUZZER"] == "1"
    ? [
        .executableTarget(
            name: "EngineFuzz", dependencies: ["Wasm", "WasmRuntime", "WasmText"], path: "Tests/Support/EngineFuzz",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
    ] : []

/// `SWIFTLET_ONLY=WasmTests,swiftlet-sandbox swift build` builds just these targets and what they need.
func selected(_ targets: [Target]) -> [Target] {
    guard let only = Context.environment["SWIFTLET_ONLY"] else { return targets }
    var names = Set(only.split(separator: ",").map(String.init))
    let byName = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $0) })
    var pending = Array(names)
    while let name = pending.popLast() {
        for dependency in byName[name]?.dependencies ?? [] {
            var dependencyName: String?
            if case .byNameItem(let value, _) = dependency { dependencyName = value }
            if case .targetItem(let value, _) = dependency { dependencyName = value }
            if let dependencyName, names.insert(dependencyName).inserted { pending.append(dependencyName) }
        }
    }
    return targets.filter { names.contains($0.name) }
}

let package = Package(
    name: "swiftlet",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: selected(
        platform + engine + sandbox + shim + controlPlane + apiClient + node + commands + allTests + fuzzers),
    swiftLanguageModes: [.v6]
)
