/// A form in which values are compared or hashed.
///
/// A byte for the kind, then: of a bool, 0 or 1; of a number, the bits of its double; of a string, length and bytes;
/// of an array, count and elements; of an object, count and members, names in byte order. Lengths, counts and bits are
/// eight bytes, little-endian. Forms may be kept: they do not depend on the process or machine.
extension JSONNode {
    /// Appends a form that two values share exactly when RFC 8785 would serialize them alike: the order of members,
    /// the spelling of numbers, escapes and white space do not count.
    ///
    /// Numbers are doubles there, so integers beyond 2^53 that round to the same double are the same.
    public func appendEqualityForm(to bytes: inout [UInt8]) {
        bytes.append(kind.rawValue)
        switch kind {
        case .null:
            break
        case .bool:
            bytes.append(bool == true ? 1 : 0)
        case .number:
            Self.append((double ?? 0).bitPattern, to: &bytes)
        case .string:
            appendText(to: &bytes)
        case .array:
            Self.append(UInt64(count), to: &bytes)
            forEachElement { _, element in element.appendEqualityForm(to: &bytes) }
        case .object:
            Self.append(UInt64(count), to: &bytes)
            appendMembers(to: &bytes)
        }
    }

    private func appendText(to bytes: inout [UInt8]) {
        guard let text = stringBytes else { return }
        Self.append(UInt64(text.count), to: &bytes)
        bytes.append(contentsOf: text)
    }

    private func appendMembers(to bytes: inout [UInt8]) {
        let first = storage.pointee.sortNames(ofObjectAt: index)
        let end = storage.pointee.order.count
        for at in first..<end {
            let name = JSONNode(storage: storage, index: Int(storage.pointee.order[at]))
            name.appendText(to: &bytes)
            name.sibling.appendEqualityForm(to: &bytes)
        }
        storage.pointee.order.removeLast(end - first)
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

extension JSONStorage {
    /// Appends the name tokens of an object to `order`, sorted by the bytes they stand for.
    /// - Returns: where they begin.
    fileprivate mutating func sortNames(ofObjectAt object: Int) -> Int {
        let first = order.count
        var name = object + 1
        var sorted = true
        for position in 0..<tokens[object].count {
            if position > 0, sorted { sorted = isOrdered(order[order.count - 1], UInt32(truncatingIfNeeded: name)) }
            order.append(UInt32(truncatingIfNeeded: name))
            name = Int(tokens[name + 1].next)
        }
        guard !sorted else { return first }
        var names: [UInt32] = []
        swap(&names, &order)
        names.withUnsafeMutableBufferPointer { names in
            var slice = UnsafeMutableBufferPointer(rebasing: names[first...])
            slice.sort { isOrdered($0, $1) }
        }
        swap(&names, &order)
        return first
    }

    private func isOrdered(_ a: UInt32, _ b: UInt32) -> Bool {
        let x = text(of: tokens[Int(a)])
        let y = text(of: tokens[Int(b)])
        let shared = min(x.count, y.count)
        var at = 0
        while at + 8 <= shared {
            let left = UInt64(bigEndian: x.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let right = UInt64(bigEndian: y.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            if left != right { return left < right }
            at += 8
        }
        while at < shared {
            if x[at] != y[at] { return x[at] < y[at] }
            at += 1
        }
        return x.count < y.count
    }
}
