import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord

/// What a worker reads besides its shards' topics, with readers that belong to no group.
extension KafkaLog {
    /// The reader holds the partition only while there is something to read: a broker that answers an idle fetch at once
    /// would otherwise be asked all the time.
    public func readCatalogue(into batch: inout RecordBatch, limit: Int) throws(LogFailure) -> Bool {
        let start = cataloguePosition
        do throws(KafkaFailure) {
            let end = try catalogue.watermarks(
                Self.catalogueTopic, timeoutMilliseconds: options.timeoutMilliseconds
            ).upperBound
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
            throw LogFailure(error)
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

    /// A partition being read to the end it had when its reading began.
    struct ChangelogReading {
        var shard: Int32
        var end: Int64
    }

    public func readChangelog(
        shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
    ) throws(LogFailure) -> Int64? {
        let partition = TopicPartition(topic: Topic.changelog.name, partition: shard)
        do throws(KafkaFailure) {
            let reader = try changelogReader()
            let reading: ChangelogReading
            if let under = changelogReading, under.shard == shard, position > 0 {
                reading = under
            } else {
                reading = ChangelogReading(
                    shard: shard,
                    end: try reader.watermarks(partition, timeoutMilliseconds: options.timeoutMilliseconds).upperBound)
                try reader.assign([partition: position == 0 ? .beginning : .offset(position)])
                changelogReading = reading
            }
            var batches: [Int32: RecordBatch] = [:]
            var at = max(position, reader.position(of: partition) ?? 0)
            var idle = 0
            while at < reading.end, batches[shard]?.count ?? 0 < limit {
                let read = try reader.poll(
                    maximumRecords: limit - (batches[shard]?.count ?? 0), timeoutMilliseconds: 100, into: &batches)
                // Markers of transactions have offsets too, which are passed over once the end is known to be reached.
                at = max(at, reader.position(of: partition) ?? 0)
                idle = read == 0 ? idle + 1 : 0
                if Int32(idle) * 100 > options.timeoutMilliseconds {
                    throw KafkaFailure(code: 0, consequence: .retriable, text: "the changelog does not answer")
                }
            }
            if let read = batches[shard] { batch = read }
            guard at >= reading.end else { return at }
            try reader.assign([:])
            changelogReading = nil
            return nil
        } catch {
            // What was read and not handed out is read again.
            changelogReading = nil
            throw LogFailure(error)
        }
    }

    private func changelogReader() throws(KafkaFailure) -> RecordReader {
        if let changelog { return changelog }
        let reader = try RecordReader(Self.properties(options.configuration, for: .reader), topics: Topic.names)
        changelog = reader
        return reader
    }
}
