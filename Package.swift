// swift-tools-version:6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
    name: "fuldmagt",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "fuldmagt", targets: ["fuldmagt"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Bytes that are only appended to.
        .target(name: "FuldmagtBytes", swiftSettings: settings),
        // What a record is: bytes, headers, positions, frames, the partitioner.
        .target(name: "FuldmagtRecord", dependencies: ["FuldmagtBytes"], swiftSettings: settings),
        // Strict JSON with positions, limits and an equality form.
        .target(name: "FuldmagtJSON", dependencies: ["FuldmagtBytes"], swiftSettings: settings),
        // The rules: values, commands, decisions. No I/O, no clock.
        .target(
            name: "FuldmagtDomain", dependencies: ["FuldmagtBytes", "FuldmagtJSON", "FuldmagtRecord"],
            swiftSettings: settings),
        // OpenSSL's SHA-256 and AES-GCM, whose states are kept: what is hashed and sealed here is short.
        .systemLibrary(name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        // The cluster key: pseudonyms, sealed CPR numbers, derived ids.
        .target(
            name: "FuldmagtKeys",
            dependencies: [
                "CLibCrypto", "FuldmagtBytes", "FuldmagtDomain", "FuldmagtJSON", "FuldmagtRecord",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),
        // HTTP with client certificates.
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        // The allocator: threads free what others have taken, which glibc's does badly.
        .target(name: "CJemalloc", linkerSettings: [.linkedLibrary("jemalloc")]),
        // What SQLite's header hides: told of each row before it changes.
        .systemLibrary(name: "CSQLiteHook"),
        // All of a file system to its disk at once.
        .systemLibrary(name: "CSyncFS"),
        .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        // librdkafka: consumer, transactional producer, admin. Knows nothing of the domain.
        .target(name: "FuldmagtKafka", dependencies: ["CRdKafka", "FuldmagtRecord"], swiftSettings: settings),
        // One shard is one SQLite database.
        .target(
            name: "FuldmagtStore",
            dependencies: [
                "CSQLiteHook", "FuldmagtBytes", "FuldmagtDomain", "FuldmagtJSON", "FuldmagtKeys", "FuldmagtRecord",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        // The run loop, shards in use, rebalance, publishing, timers.
        .target(
            name: "FuldmagtWorker",
            dependencies: [
                "FuldmagtDomain", "FuldmagtJSON", "FuldmagtKafka", "FuldmagtKeys", "FuldmagtRecord", "FuldmagtStore",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        // What operators use: dead letters sent again, metrics and health by HTTP, status.
        .target(
            name: "FuldmagtOperations",
            dependencies: [
                "FuldmagtDomain", "FuldmagtJSON", "FuldmagtKeys", "FuldmagtPost", "FuldmagtRecord", "FuldmagtWorker",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        // Migration jobs: input read line by line, planned by the rules, sent with a checkpoint, reconciled.
        .target(
            name: "FuldmagtJobs",
            dependencies: [
                "FuldmagtDomain", "FuldmagtJSON", "FuldmagtKeys", "FuldmagtRecord",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings),
        // Consumers of notifications: MeMo, letters, receipts, and a stand-in for the transport.
        .target(
            name: "FuldmagtPost",
            dependencies: [
                "CCurl", "CSyncFS", "FuldmagtBytes", "FuldmagtDomain", "FuldmagtJSON", "FuldmagtKeys", "FuldmagtRecord",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        // Workers, log, group, disks and clock, step by step, from one seed, struck by faults and compared with the model.
        .target(
            name: "FuldmagtSimulation",
            dependencies: [
                "FuldmagtDomain", "FuldmagtJSON", "FuldmagtKeys", "FuldmagtRecord", "FuldmagtStore", "FuldmagtTestKit",
                "FuldmagtWorker",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        // Commands, configuration, wiring; no logic.
        .executableTarget(
            name: "fuldmagt",
            dependencies: [
                "CJemalloc", "FuldmagtBytes", "FuldmagtDomain", "FuldmagtJSON", "FuldmagtJobs", "FuldmagtKafka",
                "FuldmagtKeys",
                "FuldmagtOperations", "FuldmagtPost", "FuldmagtRecord", "FuldmagtSimulation", "FuldmagtStore",
                "FuldmagtTestKit",
                "FuldmagtWorker",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),
        // Seeded workloads, the naive model, a broker process: for tests and the bench.
        .target(
            name: "FuldmagtTestKit",
            dependencies: ["FuldmagtDomain", "FuldmagtJSON", "FuldmagtKeys", "FuldmagtRecord"],
            swiftSettings: settings),
        .testTarget(
            name: "FuldmagtJSONTests", dependencies: ["FuldmagtBytes", "FuldmagtJSON"], swiftSettings: settings),
        .testTarget(
            name: "FuldmagtKafkaTests",
            dependencies: [
                "CRdKafka", "FuldmagtBytes", "FuldmagtDomain", "FuldmagtKafka", "FuldmagtRecord", "FuldmagtWorker",
            ],
            swiftSettings: settings),
        // A broker process for integration tests.
        .target(name: "FuldmagtTestBroker", swiftSettings: settings),
        .testTarget(
            name: "FuldmagtIntegrationTests",
            dependencies: [
                "FuldmagtDomain", "FuldmagtJobs", "FuldmagtKafka", "FuldmagtKeys", "FuldmagtOperations", "FuldmagtPost",
                "FuldmagtRecord", "FuldmagtStore", "FuldmagtTestBroker", "FuldmagtTestKit", "FuldmagtWorker",
                "fuldmagt",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FuldmagtJobsTests",
            dependencies: [
                "FuldmagtDomain", "FuldmagtJSON", "FuldmagtJobs", "FuldmagtKeys", "FuldmagtRecord", "FuldmagtTestKit",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FuldmagtPostTests",
            dependencies: [
                "FuldmagtBytes", "FuldmagtDomain", "FuldmagtJSON", "FuldmagtKeys", "FuldmagtPost", "FuldmagtRecord",
                "FuldmagtTestBroker", "FuldmagtTestKit",
            ],
            swiftSettings: settings),
        .testTarget(name: "FuldmagtRecordTests", dependencies: ["FuldmagtRecord"], swiftSettings: settings),
        .testTarget(
            name: "FuldmagtDomainTests", dependencies: ["FuldmagtDomain", "FuldmagtJSON", "FuldmagtRecord"],
            swiftSettings: settings),
        .testTarget(
            name: "FuldmagtStoreTests",
            dependencies: [
                "FuldmagtDomain", "FuldmagtKeys", "FuldmagtRecord", "FuldmagtStore",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FuldmagtTestKitTests",
            dependencies: ["FuldmagtDomain", "FuldmagtKeys", "FuldmagtRecord", "FuldmagtTestKit"],
            swiftSettings: settings),
        .testTarget(
            name: "FuldmagtOperationsTests",
            dependencies: [
                "FuldmagtDomain", "FuldmagtKeys", "FuldmagtOperations", "FuldmagtRecord", "FuldmagtTestBroker",
                "FuldmagtWorker",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FuldmagtSimulationTests", dependencies: ["FuldmagtSimulation", "FuldmagtWorker"],
            swiftSettings: settings),
        .testTarget(
            name: "FuldmagtWorkerTests",
            dependencies: [
                "FuldmagtDomain", "FuldmagtJSON", "FuldmagtKafka", "FuldmagtKeys", "FuldmagtOperations",
                "FuldmagtRecord", "FuldmagtStore", "FuldmagtTestKit", "FuldmagtWorker",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
