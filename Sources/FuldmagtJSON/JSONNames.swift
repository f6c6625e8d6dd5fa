/// Member names: finding one, and finding one that stands twice.
extension JSONStorage {
    /// The most members whose names are compared without a hash table.
    private static let smallObject = 32

    /// The token of the first member name that stands a second time in an object; nil when all differ.
    mutating func repeatedName(inObjectAt object: Int) -> Int? {
        let count = Int(tokens[object].count)
        if count > Self.smallObject { return repeatedNameByTable(object + 1, count) }
        // Names that fall on different bits differ; only those on a bit already taken are compared.
        var taken: UInt64 = 0
        var name = object + 1
        for _ in 0..<count {
            let text = text(of: tokens[name])
            let bit: UInt64 = 1 << Self.mark(text)
            if taken & bit != 0, isNamed(text, from: object + 1, before: name) { return name }
            taken |= bit
            name = following(name)
        }
        return nil
    }

    /// The name token after the member whose name is at `name`. The last member of an open object has its `next` too.
    @inline(__always)
    private func following(_ name: Int) -> Int { Int(tokens[name + 1].next) }

    private func isNamed(_ text: UnsafeRawBufferPointer, from first: Int, before end: Int) -> Bool {
        var name = first
        while name < end {
            if sameBytes(self.text(of: tokens[name]), text) { return true }
            name = following(name)
        }
        return false
    }

    /// A number from 0 to 63 that equal names share.
    @inline(__always)
    private static func mark(_ text: UnsafeRawBufferPointer) -> UInt64 {
        let count = text.count
        var mixed = UInt64(truncatingIfNeeded: count)
        if count >= 8 {
            let last = text.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            mixed &+= text.loadUnaligned(as: UInt64.self) ^ (last << 29 | last >> 35)
        } else {
            for byte in text { mixed = mixed << 8 | UInt64(byte) }
        }
        return (mixed &* 0x9e37_79b9_7f4a_7c15) >> 58
    }

    /// Seeded per process, so that nobody can choose names that collide.
    private mutating func repeatedNameByTable(_ first: Int, _ count: Int) -> Int? {
        var size = 128
        while size < count * 2 { size *= 2 }
        table.removeAll(keepingCapacity: true)
        table.append(contentsOf: repeatElement(JSONToken.none, count: size))
        var name = first
        for _ in 0..<count {
            let text = text(of: tokens[name])
            var hasher = Hasher()
            hasher.combine(bytes: text)
            var slot = hasher.finalize() & (size - 1)
            while table[slot] != JSONToken.none {
                if sameBytes(self.text(of: tokens[Int(table[slot])]), text) { return name }
                slot = (slot + 1) & (size - 1)
            }
            table[slot] = UInt32(truncatingIfNeeded: name)
            name = following(name)
        }
        return nil
    }

    /// The value token of a member; nil when the object has none of that name.
    func member(_ name: UnsafeRawBufferPointer, ofObjectAt object: Int) -> Int? {
        var at = object + 1
        for _ in 0..<tokens[object].count {
            if sameBytes(text(of: tokens[at]), name) { return at + 1 }
            at = following(at)
        }
        return nil
    }
}
