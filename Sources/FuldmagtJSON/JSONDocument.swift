/// Reads one text after another; a strict reading of RFC 8259.
///
/// Refuses repeated member names, texts nested too deeply, lone surrogate escapes, a byte order mark and numbers that
/// overflow a double. Keeps the memory its largest text took, so that the next parse allocates nothing. A document
/// belongs to one task at a time.
///
/// Nodes point into the document and into the text: both must be held as long as any node is used, and a node is void
/// once `parse` is called again.
public final class JSONDocument {
    /// The largest depth `parse` accepts, which keeps everything that walks a value within a thread's stack.
    public static let depthLimit = 512

    /// The largest text `parse` accepts, in bytes: 2 GiB less one.
    public static let byteLimit = Int(Int32.max)

    private let storage: UnsafeMutablePointer<JSONStorage>

    public init() {
        storage = .allocate(capacity: 1)
        storage.initialize(to: JSONStorage())
    }

    deinit {
        storage.pointee.deallocate()
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    /// Parses a whole text, which must be one value with nothing but white space around it.
    ///
    /// A repeated member is found when its object ends: an error within the object comes before it.
    /// - Parameters:
    ///   - bytes: must outlive every use of the nodes.
    ///   - maximumDepth: how many arrays and objects may stand inside each other; at most `depthLimit`.
    /// - Throws: what is wrong first; `root` is then null.
    public func parse(_ bytes: UnsafeRawBufferPointer, maximumDepth: Int = 64) throws(JSONFailure) {
        storage.pointee.clear()
        guard bytes.count <= Self.byteLimit else {
            throw JSONFailure(kind: .syntax, offset: Self.byteLimit, expectation: "the end of a text of at most 2 GiB")
        }
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            throw JSONFailure(kind: .syntax, offset: 0, expectation: "a value")
        }
        storage.pointee.source = start.assumingMemoryBound(to: UInt8.self)
        storage.pointee.tokenCount = 0
        var parser = JSONParser(storage: storage, count: bytes.count, maximumDepth: min(maximumDepth, Self.depthLimit))
        do {
            try parser.parseText()
        } catch {
            storage.pointee.clear()
            throw error
        }
    }

    /// The value last parsed; null before the first parse and after one that failed.
    public var root: JSONNode { JSONNode(storage: storage, index: 0) }
}
