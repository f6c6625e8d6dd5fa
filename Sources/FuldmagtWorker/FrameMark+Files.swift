import FuldmagtStore

extension FrameMark {
    /// Whether a file is the shard whose last published frame this is. Else it is a copy that its worker gave up, or one
    /// that was put there: what it says was so once.
    /// - Parameter standing: read after the mark was.
    public func isOfShard(in standing: ShardFiles.Standing) -> Bool {
        // Rebuilt, and nothing published from it yet.
        text == standing.rebuiltAt || isOfFile(standing.lineage ?? "") && frame <= standing.lastFrame
    }
}
