import Dispatch
import Foundation
import Synchronization

/// Whether Ctrl-C or SIGTERM has come. Any thread may ask; the sources are only held.
final class StopSignal: @unchecked Sendable {
    private final class Flag: Sendable {
        let isRaised = Atomic<Bool>(false)
    }

    private let flag = Flag()
    private let sources: [any DispatchSourceSignal]

    init() {
        sources = [SIGINT, SIGTERM].map {
            // The source hears it; the default would end the process.
            signal($0, SIG_IGN)
            return DispatchSource.makeSignalSource(signal: $0, queue: .global())
        }
        let flag = flag
        for source in sources {
            source.setEventHandler { flag.isRaised.store(true, ordering: .relaxed) }
            source.resume()
        }
    }

    var isRaised: Bool { flag.isRaised.load(ordering: .relaxed) }
}
