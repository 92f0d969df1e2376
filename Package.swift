// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let c: [CSetting] = [.treatAllWarnings(as: .error)]
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "tessera",
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")
    ],
    targets: [
        .target(name: "CPNG", cSettings: c, linkerSettings: [.linkedLibrary("png")]),
        .target(name: "Imaging", dependencies: ["CPNG", crypto], swiftSettings: swift),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging"], swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6]
)
