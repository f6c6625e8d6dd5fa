import FuldmagtDomain
import FuldmagtJSON

/// Small structures that are kept as JSON in one column.
extension Evidence {
    var stored: String {
        var json = JSONWriter()
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
        return String(decoding: json.finish(), as: UTF8.self)
    }
}

extension Evidence {
    static func stored(_ text: String) throws(StoreError) -> Evidence {
        let evidence: Evidence? = StoredJSON.read(text) { node in
            guard let journal = node["journal"]?.string, let caseworker = node["caseworker"]?.string,
                let identification = node["identification"]?.string.flatMap({ Identification(rawValue: $0) })
            else { return nil }
            var assessment: Assessment?
            if let node = node["assessment"] {
                guard let possibilities = node["possibilities"]?.string,
                    let consequences = node["consequences"]?.string, let present = node["citizenPresent"]?.bool,
                    let decidedOn = node["decidedOn"]?.string.flatMap({ Day($0) })
                else { return nil }
                assessment = Assessment(
                    possibilities: possibilities, consequences: consequences, citizenPresent: present,
                    decidedOn: decidedOn)
            }
            return Evidence(
                journal: journal, caseworker: caseworker, identification: identification, assessment: assessment)
        }
        guard let evidence else { throw StoreError(.fatal, "stored evidence cannot be read") }
        return evidence
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
