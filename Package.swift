// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let c: [CSetting] = [.treatAllWarnings(as: .error)]

let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

func room(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swift)
}

func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: swift)
}

let package = Package(
    name: "tessera",
    products: [
        .executable(name: "tessera", targets: ["tessera"]),
        .executable(name: "tessera-sim", targets: ["tessera-sim"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // The engine
        .target(name: "CKernels", cSettings: c),
        room("TensorEngine", "CKernels"),
        room("Diffusion", "TensorEngine", crypto),
        .target(name: "CPNG", cSettings: c, linkerSettings: [.linkedLibrary("png")]),
        room("Imaging", "CPNG", crypto),

        // The farm
        room("Farm", collections),
        .target(
            name: "FarmProtocol", dependencies: ["Farm", protobuf], exclude: ["farm.proto"], swiftSettings: swift),
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        room("ZeroMQ", "CZeroMQ"),
        room("Store", "Farm", grdb, sqlite, crypto),
        room("Coordinator", "Farm", "FarmProtocol", "Store", "ZeroMQ", collections, logging),
        room("Worker", "Farm", "FarmProtocol", "ZeroMQ", "Diffusion", "Imaging", crypto, logging),
        room("Client", "Farm", "FarmProtocol", "ZeroMQ", crypto),
        room("Simulation", "Farm", "FarmProtocol", collections),

        // The command line, where parts are composed
        .executableTarget(
            name: "tessera",
            dependencies: [
                "Coordinator", "Store", "Worker", "Client", "Farm", "FarmProtocol", "ZeroMQ", "Diffusion", "TensorEngine",
                "Imaging", argumentParser, logging,
            ],
            swiftSettings: swift),

        .executableTarget(
            name: "tessera-fake-worker", dependencies: ["Worker", "Farm", "ZeroMQ", argumentParser, logging],
            swiftSettings: swift),

        .executableTarget(name: "tessera-sim", dependencies: ["Simulation", argumentParser], swiftSettings: swift),

        .testTarget(name: "CKernelsTests", dependencies: ["CKernels"], swiftSettings: swift),
        tests("TensorEngineTests", "TensorEngine"),
        tests("DiffusionTests", "Diffusion", "TensorEngine", "Imaging"),
        tests("ImagingTests", "Imaging"),
        tests("FarmTests", "Farm"),
        tests("FarmProtocolTests", "FarmProtocol", "Farm"),
        tests("ZeroMQTests", "ZeroMQ"),
        tests("StoreTests", "Store", "Farm", grdb),
        tests("CoordinatorTests", "Coordinator", "Farm", "FarmProtocol", "ZeroMQ", "Store", logging),
        tests(
            "WorkerTests", "tessera-fake-worker", "Worker", "Client", "Coordinator", "Farm", "FarmProtocol",
            "ZeroMQ", "Diffusion", "Imaging", crypto, logging),
        tests("ClientTests", "Client", "Coordinator", "Farm", "FarmProtocol", "ZeroMQ", crypto, logging),
        tests("tesseraTests", "tessera", "Imaging"),
        tests("SimulationTests", "Simulation", "Farm", "Store"),
        tests("TidyTests"),
    ],
    swiftLanguageModes: [.v6]
)
