import FuldmagtDomain

/// Nothing that was said is passed over in silence: not where it was deleted before it was read, nor where a topic was deleted
/// itself, or has lost its end.
extension WorkerLoop {
    /// How often a topic must seem to end before a position, with pauses of a quarter or half of a minute in all: a leader
    /// that is just new may not know its end for a moment, and one that was cut off answers until it is told so.
    static let looksAtEnds = 13

    /// Asks again what there is of a shard's topics, while any seems to end before what was read of it.
    func settledExtents(of shard: ShardInUse) throws -> [Topic: Range<Int64>] {
        var extents = try log.extents(shard: shard.shard)
        var backoff = Backoff(longest: options.longestBackoff)
        for look in 1..<Self.looksAtEnds {
            guard let text = Self.beyondEnd(shard, extents), !stopFlag.isSet else { break }
            if look == 1 {
                logger.warning("a topic seems to have lost its end, asking again", metadata: ["text": "\(text)"])
            }
            surroundings.pause(backoff.next(jitter: surroundings.jitter()))
            extents = try log.extents(shard: shard.shard)
        }
        return extents
    }

    /// What ends before the position that it was read to; nil where nothing does.
    static func beyondEnd(_ shard: ShardInUse, _ extents: [Topic: Range<Int64>]) -> String? {
        for topic in Topic.read {
            guard let position = shard.positions[topic], let extent = extents[topic], position > extent.upperBound
            else { continue }
            return text(shard, topic, position, endsAt: extent.upperBound)
        }
        return nil
    }

    private static func text(_ shard: ShardInUse, _ topic: Topic, _ position: Int64, endsAt end: Int64) -> String {
        let partition = topic == .catalogue ? 0 : shard.shard
        return
            "partition \(partition) of \(topic.name) was read to \(position) and ends at \(end) now: it has lost records, or was made anew"
    }

    /// Compares a shard's positions with what there is, and with what the group knows.
    func checkGaps(
        in shard: ShardInUse, _ committed: Committed, _ extents: [Topic: Range<Int64>]
    ) throws {
        // A new shard begins with what there is.
        guard !shard.positions.isEmpty else { return }
        try checkRemade(shard, committed, extents)
        for topic in Topic.read {
            guard let extent = extents[topic] else { continue }
            let position = shard.positions[topic] ?? 0
            if position > extent.upperBound {
                try checkCutOff(shard, topic, position, extent)
            } else if position < extent.lowerBound, topic != .catalogue {
                let text =
                    "partition \(shard.shard) of \(topic.name) was read to \(position) and begins at \(extent.lowerBound) now: records may have been deleted before they were read"
                try accept(
                    text, in: shard,
                    meaning: "goes on without them; what they said must be said again by whoever wrote them")
                shard.startOver(topic, at: extent.lowerBound)
            }
        }
        // Of a catalogue that lost its end what was lost may have been written again by now, and other things between, so
        // that its end tells nothing. Where all is as it was nothing changes, and nobody is told.
        if options.acceptsGap { shard.reviewAgain() }
    }

    /// A group forgets a topic's offsets when the topic is deleted, and no other way while it knows other topics'. What has
    /// come into a topic that was made anew would be passed over, up to where the old one was read.
    private func checkRemade(
        _ shard: ShardInUse, _ committed: Committed, _ extents: [Topic: Range<Int64>]
    ) throws {
        guard !committed.offsets.isEmpty else { return }
        let settled = shard.settledPositions
        for topic in Topic.consumed where committed.offsets[topic] == nil {
            guard let position = settled[topic], position > 0 else { continue }
            let text =
                "partition \(shard.shard) of \(topic.name) was read to \(position), and the group has no offset of it any more: the topic was deleted and made anew"
            try accept(
                text, in: shard,
                meaning:
                    "reads it from its first record; what was lost with the old topic must be said again by whoever wrote it"
            )
            shard.startOver(topic, at: extents[topic]?.lowerBound ?? 0)
        }
    }

    /// A command or a receipt that comes again is known by its id, so those may be read from their first record. What comes
    /// again into an inbox would be done again, and the catalogue's administrators told again: both go on at the end.
    private func checkCutOff(
        _ shard: ShardInUse, _ topic: Topic, _ position: Int64, _ extent: Range<Int64>
    ) throws {
        let isKnownByID = topic != .inbox && topic != .catalogue
        let text = Self.text(shard, topic, position, endsAt: extent.upperBound)
        try accept(
            text, in: shard,
            meaning: isKnownByID
                ? "reads it from its first record, and what was done is not done again; what was lost must be said again by whoever wrote it"
                : "goes on at its end: what was lost, and what has been written since and stands before \(extent.upperBound), is not acted on"
        )
        shard.startOver(topic, at: isKnownByID ? extent.lowerBound : extent.upperBound)
    }

    private func accept(_ text: String, in shard: ShardInUse, meaning: String) throws {
        guard options.acceptsGap else {
            throw WorkerStop(.gap, "\(text). FULDMAGT_ACCEPT_GAP=1 \(meaning)")
        }
        logger.error("a gap is accepted", metadata: ["shard": "\(shard.shard)", "gap": "\(text)"])
    }
}
