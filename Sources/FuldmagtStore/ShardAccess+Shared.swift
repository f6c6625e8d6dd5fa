import FuldmagtDomain

/// Rows that many rows refer to: where commands come from, package terms, senders.
extension ShardAccess {
    func origin(of cause: Cause) throws(StoreError) -> Int64 {
        // Most commands in a row are of one type and from one source.
        if let last = lastOrigin, last.type == cause.type, last.source == cause.source { return last.row }
        let row = try originRow(of: cause)
        lastOrigin = (cause.source, cause.type, row)
        return row
    }

    private func originRow(of cause: Cause) throws(StoreError) -> Int64 {
        let key = OriginKey(source: cause.source, type: cause.type)
        if let row = origins[key] { return row }
        let found = statements.findOrigin.bind(1, cause.source).bind(2, cause.type)
        let row: Int64
        if try found.next() {
            row = found.int(0)
            found.reset()
        } else {
            try statements.insertOrigin.bind(1, cause.source).bind(2, cause.type).run()
            row = statements.insertOrigin.insertedRow
        }
        limit(&origins)
        origins[key] = row
        return row
    }

    func origin(at row: Int64) throws(StoreError) -> OriginKey {
        if let known = originRows[row] { return known }
        let found = statements.readOrigin.bind(1, row)
        guard try found.next() else { throw StoreError(.fatal, "a row refers to an origin that is not there") }
        defer { found.reset() }
        let key = OriginKey(source: found.text(0), type: found.text(1))
        limit(&originRows)
        originRows[row] = key
        return key
    }

    func termsRow(_ wanted: PackageTerms) throws(StoreError) -> Int64 {
        // A grant's notification follows it.
        if let last = lastTerms, last.terms === wanted { return last.row }
        let row = try storedTerms(wanted)
        lastTerms = (wanted, row)
        return row
    }

    private func storedTerms(_ wanted: PackageTerms) throws(StoreError) -> Int64 {
        let key = TermsKey(package: wanted.id, version: wanted.version)
        if let row = terms[key]?.first(where: { $0.0 == wanted })?.1 { return row }
        let row: Int64
        let found = bind(wanted, to: statements.findTerms)
        if try found.next() {
            row = found.int(0)
            found.reset()
        } else {
            try bind(wanted, to: statements.insertTerms).run()
            row = statements.insertTerms.insertedRow
        }
        limit(&terms)
        terms[key, default: []].append((wanted, row))
        return row
    }

    private func bind(_ terms: PackageTerms, to statement: Statement) -> Statement {
        statement.bind(1, terms.id).bind(2, terms.version).bind(3, terms.kind.rawValue).bind(4, terms.scope.rawValue)
            .bind(5, terms.kle).bind(6, terms.title.danish).bind(7, terms.title.english)
            .bind(8, terms.wording.danish).bind(9, terms.wording.english)
    }

    func terms(at row: Int64) throws(StoreError) -> PackageTerms {
        if let known = termsRows[row] { return known }
        let found = statements.readTerms.bind(1, row)
        guard try found.next() else { throw StoreError(.fatal, "a row refers to package terms that are not there") }
        defer { found.reset() }
        let terms = PackageTerms(
            id: found.text(0), version: Int(found.int(1)), kind: try found.choice(2, Package.Kind.self),
            scope: try found.choice(3, Package.Scope.self), kle: found.text(4),
            title: Bilingual(danish: found.text(5), english: found.text(6)),
            wording: Bilingual(danish: found.text(7), english: found.text(8)))
        limit(&termsRows)
        termsRows[row] = terms
        return terms
    }

    func senderRow(_ sender: Sender) throws(StoreError) -> Int64 {
        if let last = lastSender, last.sender == sender { return last.row }
        let row = try storedSender(sender)
        lastSender = (sender, row)
        return row
    }

    private func storedSender(_ sender: Sender) throws(StoreError) -> Int64 {
        if let row = senders[sender] { return row }
        let row: Int64
        let found = statements.findSender.bind(1, sender.cvr).bind(2, sender.name)
        if try found.next() {
            row = found.int(0)
            found.reset()
        } else {
            try statements.insertSender.bind(1, sender.cvr).bind(2, sender.name).run()
            row = statements.insertSender.insertedRow
        }
        limit(&senders)
        senders[sender] = row
        return row
    }

    func sender(at row: Int64) throws(StoreError) -> Sender {
        if let known = senderRows[row] { return known }
        let found = statements.readSender.bind(1, row)
        guard try found.next() else { throw StoreError(.fatal, "a row refers to a sender that is not there") }
        defer { found.reset() }
        let sender = Sender(cvr: found.text(0), name: found.text(1))
        limit(&senderRows)
        senderRows[row] = sender
        return sender
    }

    /// Keeps a lookup table from growing with what outsiders send.
    private func limit<Key, Value>(_ table: inout [Key: Value]) {
        if table.count >= 4096 { table.removeAll(keepingCapacity: true) }
    }
}
