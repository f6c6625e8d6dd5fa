import FuldmagtJSON
import Testing

/// Parses a text and hands its root to `body`.
@discardableResult
func parse<R>(
    _ text: some Sequence<UInt8>, depth: Int = 64, with document: JSONDocument = JSONDocument(),
    _ body: (JSONNode) throws -> R
) throws -> R {
    let bytes = Array(text)
    return try withExtendedLifetime(document) {
        try bytes.withUnsafeBytes { bytes in
            try document.parse(bytes, maximumDepth: depth)
            return try body(document.root)
        }
    }
}

/// Why a text is refused; nil when it is accepted.
func refusal(_ text: some Sequence<UInt8>, depth: Int = 64, with document: JSONDocument = JSONDocument())
    -> JSONFailure?
{
    Array(text).withUnsafeBytes { bytes in
        do throws(JSONFailure) {
            try document.parse(bytes, maximumDepth: depth)
            return nil
        } catch {
            return error
        }
    }
}

func form(_ text: some Sequence<UInt8>) throws -> [UInt8] {
    try parse(text) { root in
        var form: [UInt8] = []
        root.appendEqualityForm(to: &form)
        return form
    }
}

func form(_ text: String) throws -> [UInt8] { try form(text.utf8) }

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: Int) { state = UInt64(seed) }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

/// Uses every accessor of a value and all it contains; returns something that depends on all of them.
func walk(_ node: JSONNode) -> Int {
    var sum = node.bytes.count + node.count + (node.int ?? 0) % 1000
    if node.isNull || node.bool == true || node["a"] != nil || node.equals("a") { sum += 1 }
    if let double = node.double, double.isFinite { sum += 1 }
    sum += node.string?.utf8.count ?? 0
    sum += node.withStringBytes { $0.count } ?? 0
    node.forEachElement { position, element in sum += position + walk(element) }
    node.forEachMember { name, value in sum += name.utf8.count + walk(value) }
    return sum
}
