import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import GRDBSQLite

/// The outbox: what was decided and is still to be published.
extension ShardAccess {
    /// Stores a turn's outputs with the positions they end at.
    /// - Returns: the frame's number.
    public func appendFrame(_ frame: Frame, ends: [Topic: Int64]) throws(StoreError) -> Int64 {
        let statement = statements.appendFrame.bind(1, frame.count).bind(2, FrameEnds.text(ends))
        guard let frames else {
            try statement.bind(3, keys.seal(frame: frame.bytes)).bindNull(4).bindNull(5).run()
            return statement.insertedRow
        }
        let start = frames.room(for: frame.bytes.count)
        var at = start
        let proof = try keys.seal(frame: frame.bytes, by: frames.piece) { (piece) throws(StoreError) in
            try frames.write(piece, at: at)
            at += Int64(piece.count)
        }
        try statement.bind(3, proof).bind(4, start).bind(5, frame.bytes.count).run()
        let number = statement.insertedRow
        try frames.wrote(.init(frame: number, start: start, size: frame.bytes.count))
        return number
    }

    /// Frames not yet known to be sent, oldest first.
    public func pendingFrames() throws(StoreError) -> [PendingFrame] {
        var pending: [PendingFrame] = []
        while try statements.pendingFrames.next() {
            let row = statements.pendingFrames
            let (number, count, stored) = (row.int(0), Int(row.int(1)), row.bytes(3))
            let ends = try FrameEnds.read(row.text(2))
            let bytes: [UInt8]?
            if row.isNull(4) {
                do { bytes = try keys.open(frame: stored) } catch {
                    throw StoreError(error, doing: "reading a stored frame")
                }
            } else {
                bytes = try read(.init(frame: number, start: row.int(4), size: Int(row.int(5))), proof: stored)
            }
            pending.append(
                PendingFrame(
                    number: number, frame: bytes.map { Frame(bytes: $0, count: count) } ?? Frame(), ends: ends,
                    isLost: bytes == nil))
        }
        return pending
    }

    /// - Returns: nil where the bytes are not the frame's.
    private func read(_ place: FrameFile.Place, proof: [UInt8]) throws(StoreError) -> [UInt8]? {
        guard let sealed = try frames?.read(place) else { return nil }
        do { return try keys.open(frame: sealed, proof: proof) } catch { return nil }
    }

    /// The number of the frame stored last; 0 when there was none.
    public func lastFrame() throws(StoreError) -> Int64 {
        guard try statements.lastFrame.next() else { return 0 }
        defer { statements.lastFrame.reset() }
        return statements.lastFrame.int(0)
    }

    /// Forgets frames that are sent.
    ///
    /// They are sealed, and large: what is left of one is no more than what was there. All else that is deleted is
    /// overwritten.
    /// - Parameter isLast: nothing more is to be stored.
    public func markSent(through number: Int64, isLast: Bool = false) throws(StoreError) {
        try statements.markSent.bind(1, number).run()
        frames?.forget(through: number)
        if isLast { try frames?.trim() }
    }
}

/// A frame that waits in the outbox.
public struct PendingFrame: Sendable {
    public var number: Int64
    public var frame: Frame
    /// Positions next to read once the frame is out.
    public var ends: [Topic: Int64]
    /// Its bytes are not there any more, as after a power failure. Where it is out, nothing is missed.
    public var isLost: Bool

    public init(number: Int64, frame: Frame, ends: [Topic: Int64], isLost: Bool = false) {
        self.number = number
        self.frame = frame
        self.ends = ends
        self.isLost = isLost
    }

    /// Whether the group's committed offsets say that the frame is out: offsets and outputs are one Kafka transaction.
    public func isOut(committed: [Topic: Int64]) -> Bool {
        ends.allSatisfy { topic, end in committed[topic].map { $0 >= end } ?? false }
    }
}
