extension String {
    /// Whether it is no longer than the published contract allows: characters are counted as JSON Schema counts them for
    /// `maxLength`, by Unicode scalars of one to four bytes, and only where the number of bytes leaves it open.
    func hasAtMost(characters limit: Int) -> Bool {
        let bytes = utf8.count
        if bytes <= limit { return true }
        return bytes <= 4 * limit && unicodeScalars.count <= limit
    }
}
