/// What stands beside the committed offset of a shard's inbox, where everybody who may ask the broker can read it:
/// `lineage/frame life parked=3/1`. Nothing about a person.
public struct InboxNote: Sendable, Equatable {
    /// Commands that wait in a shard.
    public struct Parked: Sendable, Equatable {
        public var commands: Int
        /// How many of them are revocations.
        public var revocations: Int

        public init(commands: Int, revocations: Int) {
            self.commands = commands
            self.revocations = revocations
        }
    }

    /// The last frame that was published; nil where the text is not of this program.
    public var mark: FrameMark?
    /// The life of the worker's producer that owns the shard; nil where its owner gave it up in order, or is of a version
    /// that left none.
    public var life: String?
    /// What was parked as of that frame; nil for a version that did not tell.
    public var parked: Parked?

    public init(mark: FrameMark?, life: String?, parked: Parked?) {
        self.mark = mark
        self.life = life
        self.parked = parked
    }

    public init(text: String) {
        var parts = text.split(separator: " ")[...]
        mark = parts.first.flatMap { FrameMark(text: $0) }
        if mark != nil { parts.removeFirst() }
        if let last = parts.last, last.hasPrefix("parked=") {
            let counts = last.dropFirst(7).split(separator: "/").map { Int($0) }
            if counts.count == 2, let commands = counts[0], let revocations = counts[1] {
                parked = Parked(commands: commands, revocations: revocations)
                parts.removeLast()
            }
        }
        life = parts.isEmpty ? nil : parts.joined(separator: " ")
    }

    public var text: String {
        [mark?.text, life, parked.map { "parked=\($0.commands)/\($0.revocations)" }].compactMap { $0 }
            .joined(separator: " ")
    }
}
