// swift-tools-version: 6.1
import PackageDescription

// Data flows one way: Graph (what is computed) → Codegen (how) → Runner (does it).
// Targets carry a prefix because a type named like its module makes qualified names unspellable.
let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Of each example.
let exampleDependencies: [Target.Dependency] = [
  "Cinch", "ExampleSupport", .product(name: "ArgumentParser", package: "swift-argument-parser"),
]

let package = Package(
  name: "cinch",
  products: [
    .library(name: "Cinch", targets: ["Cinch"]),
    .executable(name: "cinch-bench", targets: ["cinch-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    .target(name: "CinchGraph", path: "Sources/Graph", swiftSettings: swiftSettings),
    .target(
      name: "CinchCodegen", dependencies: ["CinchGraph"], path: "Sources/Codegen",
      swiftSettings: swiftSettings),
    .systemLibrary(name: "CTinyCC", path: "Sources/CTinyCC"),
    .target(
      name: "CinchRunner", dependencies: ["CinchGraph", "CinchCodegen", "CTinyCC"],
      path: "Sources/Runner", swiftSettings: swiftSettings),
    .target(
      name: "Cinch", dependencies: ["CinchGraph", "CinchCodegen", "CinchRunner"],
      path: "Sources/Cinch", swiftSettings: swiftSettings),
    .target(name: "ExampleSupport", path: "examples/Support", swiftSettings: swiftSettings),
    .executableTarget(
      name: "SeedNetwork", dependencies: exampleDependencies, path: "examples/SeedNetwork",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "Digits", dependencies: exampleDependencies, path: "examples/Digits",
      resources: [.copy("Data")], swiftSettings: swiftSettings),
    .executableTarget(
      name: "CharacterTransformer", dependencies: exampleDependencies, path: "examples/CharacterTransformer",
      resources: [.copy("Data")], swiftSettings: swiftSettings),
    .executableTarget(
      name: "FashionMNIST", dependencies: exampleDependencies, path: "examples/FashionMNIST",
      swiftSettings: swiftSettings),
    .target(
      name: "BenchmarkWorkloads", dependencies: ["Cinch"], path: "Benchmarks/Workloads", exclude: ["Golden"],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "cinch-bench",
      dependencies: [
        "Cinch", "BenchmarkWorkloads", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/CinchBench", exclude: ["Elementwise.c"], swiftSettings: swiftSettings),
    .target(
      name: "TestSupport", dependencies: ["Cinch", "CinchCodegen", "CinchGraph", "CinchRunner"], path: "Tests/Support",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "CompileEndurance", dependencies: ["Cinch", "CinchRunner"], path: "Tests/CompileEndurance",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "GraphTests", dependencies: ["CinchGraph", "TestSupport"], exclude: ["Conventions"], swiftSettings: swiftSettings),
    .testTarget(
      name: "CodegenTests", dependencies: ["CinchGraph", "CinchCodegen", "TestSupport"],
      exclude: ["Goldens"], swiftSettings: swiftSettings),
    .testTarget(
      name: "RunnerTests", dependencies: ["Cinch", "CompileEndurance", "TestSupport"], swiftSettings: swiftSettings),
    .testTarget(
      name: "EngineTests", dependencies: ["Cinch", "CinchCodegen", "CinchGraph", "CinchRunner", "TestSupport"],
      exclude: ["Goldens"], swiftSettings: swiftSettings),
    .testTarget(
      name: "BenchmarkTests", dependencies: ["Cinch", "CinchCodegen", "CinchRunner", "BenchmarkWorkloads", "cinch-bench"],
      swiftSettings: swiftSettings),
  ],
  swiftLanguageModes: [.v6]
)
