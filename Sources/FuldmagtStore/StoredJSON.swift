import FuldmagtDomain
import FuldmagtJSON

/// Small structures that are kept as JSON in one column.
extension Evidence {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("journal", journal)
        json.member("caseworker", caseworker)
        json.member("identification", identification.rawValue)
        if let assessment {
            json.key("assessment")
            json.beginObject()
            json.member("possibilities", assessment.possibilities)
            json.member("consequences", assessment.consequences)
            json.member("citizenPresent", assessment.citizenPresent)
            json.member("decidedOn", assessment.decidedOn.description)
            json.endObject()
        }
        json.endObject()
    }
}

extension Extension {
    static func stored(_ extensions: [Extension]) -> String? {
        guard !extensions.isEmpty else { return nil }
        var json = JSONWriter()
        json.beginObject()
        for item in extensions {
            json.key(item.name)
            json.string(item.value)
        }
        json.endObject()
        return String(decoding: json.finish(), as: UTF8.self)
    }

    static func stored(_ text: String) throws(StoreError) -> [Extension] {
        let extensions: [Extension]? = StoredJSON.read(text) { node in
            var extensions: [Extension] = []
            node.forEachMember { name, value in
                if let value = value.string { extensions.append(Extension(name: name, value: value)) }
            }
            return extensions
        }
        guard let extensions else { throw StoreError(.fatal, "stored extensions cannot be read") }
        return extensions
    }
}

enum StoredJSON {
    static func read<Result>(_ text: String, _ body: (JSONNode) -> Result?) -> Result? {
        let document = JSONDocument()
        var text = text
        return text.withUTF8 { bytes in
            do { try document.parse(UnsafeRawBufferPointer(bytes)) } catch { return nil }
            return body(document.root)
        }
    }
}
