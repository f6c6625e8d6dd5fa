import FuldmagtJSON

extension JSONDocument {
    /// Parses a text and lends its root for as long as the text is held: nodes point into it.
    func withRoot<Value>(of bytes: [UInt8], _ body: (JSONNode) -> Value) -> Result<Value, JSONFailure> {
        bytes.withUnsafeBytes { withRoot(of: $0, body) }
    }

    /// Parses a text and lends its root.
    func withRoot<Value>(of bytes: UnsafeRawBufferPointer, _ body: (JSONNode) -> Value) -> Result<Value, JSONFailure> {
        do throws(JSONFailure) {
            try parse(bytes)
            return .success(body(root))
        } catch {
            return .failure(error)
        }
    }
}
