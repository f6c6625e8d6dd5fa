import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord

/// What a worker reads besides its shards' topics, with readers that belong to no group.
extension KafkaLog {
    /// The reader holds the partition only while there is something to read, and asks for nothing in between.
    public func readCatalogue(into batch: inout RecordBatch, limit: Int) throws(LogFailure) -> Bool {
        let start = cataloguePosition
        do throws(KafkaFailure) {
            let end = try catalogue.watermarks(
                Self.catalogueTopic, timeoutMilliseconds: options.timeoutMilliseconds
            ).upperBound
            guard cataloguePosition <= end else {
                // A leader that is just new may not know its end yet.
                catalogueCutOffs += 1
                let failure = LogFailure.cutOff(.catalogue, at: end, readTo: cataloguePosition)
                throw KafkaFailure(
                    code: 0, consequence: catalogueCutOffs < WorkerLoop.looksAtEnds ? .retriable : .fatal,
                    text: failure.text)
            }
            catalogueCutOffs = 0
            guard cataloguePosition < end else { return true }
            if !isCatalogueAssigned {
                try catalogue.assign([
                    Self.catalogueTopic: cataloguePosition == 0 ? .beginning : .offset(cataloguePosition)
                ])
                isCatalogueAssigned = true
            }
            var batches: [Int32: RecordBatch] = [:]
            var count = 0
            var idle = 0
            while count < limit, cataloguePosition < end {
                let read = try catalogue.poll(
                    maximumRecords: limit - count, timeoutMilliseconds: 100, into: &batches)
                count += read
                // Markers of transactions have offsets too, which are passed over once the end is known to be reached.
                cataloguePosition = max(cataloguePosition, catalogue.position(of: Self.catalogueTopic) ?? 0)
                idle = read == 0 ? idle + 1 : 0
                if Int32(idle) * 100 > options.timeoutMilliseconds {
                    throw KafkaFailure(code: 0, consequence: .retriable, text: "the catalogue does not answer")
                }
            }
            if let read = batches[0] {
                read.withRecords { records in
                    for record in records { batch.append(record) }
                }
            }
            guard cataloguePosition >= end else { return false }
            try catalogue.assign([:])
            isCatalogueAssigned = false
            return true
        } catch {
            // What was read and not handed out is read again.
            cataloguePosition = start
            isCatalogueAssigned = false
            throw LogFailure(reading: error)
        }
    }

    public func rewindCatalogue() throws(LogFailure) {
        isCatalogueAssigned = false
        cataloguePosition = 0
    }

    public func remaining(shard: Int32, from positions: [Topic: Int64]) -> [Topic: Int64] {
        guard let consumer else { return [:] }
        var remaining: [Topic: Int64] = [:]
        consumer.assumeIsolated { consumer in
            for topic in Topic.consumed {
                let partition = TopicPartition(topic: topic.name, partition: shard)
                remaining[topic] = consumer.remaining(partition, from: positions[topic] ?? 0)
            }
        }
        return remaining
    }

    public func extents(shard: Int32) throws(LogFailure) -> [Topic: Range<Int64>] {
        do throws(KafkaFailure) {
            var extents: [Topic: Range<Int64>] = [:]
            for topic in Topic.answered(by: shard) {
                let partition = TopicPartition(topic: topic.name, partition: shard)
                extents[topic] = try catalogue.watermarks(partition, timeoutMilliseconds: options.timeoutMilliseconds)
            }
            return extents
        } catch {
            throw LogFailure(error)
        }
    }

    public func ends(shard: Int32) -> [Topic: Int64] {
        guard let consumer else { return [:] }
        return consumer.assumeIsolated { consumer in
            var ends: [Topic: Int64] = [:]
            for topic in Topic.consumed {
                ends[topic] = consumer.end(of: TopicPartition(topic: topic.name, partition: shard))
            }
            return ends
        }
    }

    public func readChangelog(
        shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
    ) throws(LogFailure) -> ChangelogProgress {
        try changelog.readChangelog(shard: shard, from: position, into: &batch, limit: limit)
    }
}
