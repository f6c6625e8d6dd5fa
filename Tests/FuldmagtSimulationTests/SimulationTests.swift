import FuldmagtSimulation
import FuldmagtWorker
import Testing

@Suite struct SimulationTests {
    @Test("the same seed does the same things in the same order")
    func replay() {
        func run() -> SimulationResult { SimulatedDisk.with { Simulation(seed: 7, directory: $0).run() } }
        let (first, second) = (run(), run())
        #expect(first.fingerprint == second.fingerprint && first.events == second.events)
        #expect(first.events > 100)
    }

    /// The first seed, from 1 on, that notices each. Where the workers have changed since it may be a later one, within
    /// 2,000.
    private static let firstSeeds: [Sabotage: UInt64] = [
        .positionAfterState: 1, .frameWithoutOffsets: 1, .epochUnchecked: 21, .revokeAnsweredEarly: 103,
    ]

    @Test("a rule that is broken on purpose is noticed", arguments: Sabotage.allCases)
    func sabotage(_ sabotage: Sabotage) throws {
        let first = try #require(Self.firstSeeds[sabotage])
        func failure(_ seed: UInt64, _ sabotage: Sabotage?) -> String? {
            SimulatedDisk.with { Simulation(seed: seed, directory: $0, sabotage: sabotage).run() }.failure
        }
        let failed = (first..<first + 2_000).first { failure($0, sabotage) != nil }
        let seed = try #require(failed, "2,000 seeds did not notice it")
        #expect(failure(seed, nil) == nil, "seed \(seed) fails also where the rule is whole")
    }
}
