/// How hard a text is to read, by Carl-Hugo Björnsson's LIX: words for each sentence, and the share of words of more than
/// six letters in percent.
public enum Readability {
    /// What texts to citizens may have at most: easy to read.
    public static let limit = 35.0

    public static func lix(_ text: String) -> Double {
        let words = text.split { !$0.isLetter && !$0.isNumber }
        let sentences = max(1, text.count { ".?!".contains($0) })
        let long = words.count { $0.count > 6 }
        return Double(words.count) / Double(sentences) + 100 * Double(long) / Double(max(1, words.count))
    }
}
