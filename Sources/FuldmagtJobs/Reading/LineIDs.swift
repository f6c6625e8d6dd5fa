import Crypto
import FuldmagtKeys

/// How ids of a job's commands are made.
///
/// (job, line, content) give the same id always, so that what is sent twice is decided once. Ids become keys of
/// `fuldmagt.outcomes`, where more people read than may see a job's input.
public enum LineIDs: Sendable {
    case keyed(ClusterKey)
    /// Without a key, as versions before keyed ids made them: for a job that was begun by one of those. It goes on as it
    /// began, or what is sent again would be decided again.
    case plain

    /// The hash within an id.
    func mark(of parts: [[UInt8]]) -> UInt64 {
        switch self {
        case .keyed(let keys): keys.mark(of: parts)
        case .plain: LineCommand.hash(parts)
        }
    }
}
