import FuldmagtStore
import FuldmagtWorker
import Testing

@testable import FuldmagtSimulation

@Suite struct SimulationTests {
    @Test("the same seed does the same things in the same order")
    func replay() {
        for seed in UInt64(7)...8 {
            func run(_ disk: SimulatedDisk) -> SimulationResult { Simulation(seed: seed, disk: disk).run() }
            let first = SimulatedDisk.with { run($0) }
            // On a disk that others were on.
            let second = SimulatedDisk.with { disk in
                for seed in UInt64(1)...4 { _ = Simulation(seed: seed, disk: disk).run() }
                return run(disk)
            }
            #expect(first.fingerprint == second.fingerprint && first.events == second.events)
            #expect(first.events > 100)
        }
    }

    @Test("a disk that is not used any more keeps no file open")
    func diskLetGo() {
        for seed in UInt64(1)...3 {
            weak var files: KeptFiles?
            SimulatedDisk.with { disk in
                files = disk.files
                _ = Simulation(seed: seed, disk: disk).run()
            }
            #expect(files == nil)
        }
    }

    @Test("what a turn was the last to hold is gone when it is over, not a moment later on another thread")
    func lettingGo() {
        final class Held {}
        for _ in 0..<1_000 {
            var held: Held? = Held()
            weak let left = held
            let turn = PausableTurn()
            turn.begin { [held] in
                withExtendedLifetime(held) { turn.pause() }
            }
            held = nil
            turn.goOn()
            #expect(left == nil)
        }
    }

    /// The first seed, from 1 on, that notices each. Where the workers have changed since it may be a later one, within
    /// 2,000.
    private static let firstSeeds: [Sabotage: UInt64] = [
        .positionAfterState: 1, .frameWithoutOffsets: 1, .epochUnchecked: 25, .revokeAnsweredEarly: 14,
        .copyStillFollowed: 24, .copySkipsRows: 24, .copyNeverTooOld: 317,
    ]

    @Test("a rule that is broken on purpose is noticed", arguments: Sabotage.allCases)
    func sabotage(_ sabotage: Sabotage) throws {
        let first = try #require(Self.firstSeeds[sabotage])
        let (failed, failure) = SimulatedDisk.with { disk in
            func failure(_ seed: UInt64, _ sabotage: Sabotage?) -> String? {
                Simulation(seed: seed, disk: disk, sabotage: sabotage).run().failure
            }
            let failed = (first..<first + 2_000).first { failure($0, sabotage) != nil }
            return (failed, failed.flatMap { failure($0, nil) })
        }
        let seed = try #require(failed, "2,000 seeds did not notice it")
        #expect(failure == nil, "seed \(seed) fails also where the rule is whole")
    }
}
