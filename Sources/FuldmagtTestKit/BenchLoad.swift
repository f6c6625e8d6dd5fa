import FuldmagtDomain
import FuldmagtRecord

/// The bench's commands as frames, ready to be produced or appended.
public struct BenchLoad: Sendable {
    private let workload: BenchWorkload
    public var citizens: Int { workload.citizens }
    public var commands: Int { workload.commands }

    public init(seed: UInt64, citizens: Int, commands: Int) {
        workload = BenchWorkload(seed: seed, citizens: citizens, commands: commands)
    }

    /// 40 packages and their activations.
    public func catalogue(at time: Instant) -> Frame { Self.frame(workload.catalogue(at: time.milliseconds)) }

    /// The activations of some of the packages end everywhere; each has a fortieth of the grants.
    public func endings(of packages: Range<Int>, at time: Instant) -> Frame {
        Self.frame(
            workload.endings(
                of: packages, until: time.day.adding(days: -1).description, at: time.milliseconds))
    }

    private static func frame(_ records: [ModelRecord]) -> Frame {
        var frame = FrameWriter()
        for record in records {
            (record.key ?? []).withUnsafeBytes { key in
                frame.append(
                    topic: record.topic.rawValue, partition: nil, timestamp: nil, key: key,
                    headers: { block in
                        for (name, value) in record.headers {
                            HeaderBlock.append(name: name, value: String(decoding: value, as: UTF8.self), to: &block)
                        }
                    },
                    value: {
                        $0.append(contentsOf: record.value ?? [])
                        return true
                    })
            }
        }
        return frame.take()
    }

    /// Where a run of citizens lives.
    public func moves(_ range: Range<Int>) -> Frame {
        var frame = FrameWriter()
        var buffer = workload.makeBuffer()
        for citizen in range {
            workload.relocation(citizen, in: &buffer) { key, headers, value in
                Self.append(.moveCommands, key, headers, value, to: &frame)
            }
        }
        return frame.take()
    }

    /// A run of commands.
    public func issues(_ range: Range<Int>) -> Frame {
        var frame = FrameWriter()
        var buffer = workload.makeBuffer()
        for number in range {
            workload.command(number, in: &buffer) { key, headers, value in
                Self.append(.grantCommands, key, headers, value, to: &frame)
            }
        }
        return frame.take()
    }

    /// How many distinct ids the first commands have.
    public func distinct(_ count: Int) -> Int {
        (0..<count).count { workload.kind(of: $0) != .repeated }
    }

    /// How many of some commands are accepted.
    public func accepted(_ range: Range<Int>) -> Int { range.count { workload.kind(of: $0) == .accepted } }

    /// `ce_id` of a command that is not a repeat.
    public func id(of number: Int) -> String {
        let digits = String(number)
        return "issue-" + String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits
    }

    private static func append(
        _ topic: Topic, _ key: UnsafeRawBufferPointer, _ headers: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer, to frame: inout FrameWriter
    ) {
        frame.append(
            topic: topic.rawValue, partition: nil, timestamp: nil, key: key,
            headers: { $0.append(contentsOf: headers) },
            value: {
                $0.append(contentsOf: value)
                return true
            })
    }
}
