import FuldmagtJSON

extension Sweep {
    var stepText: String {
        switch step {
        case .begin: "begin"
        case .due: "due"
        case .municipality(let municipality, let after): "\(municipality)/\(after?.description ?? "")"
        case .package(let package, let row): "package/\(package)/\(row)"
        case .parked(let after, _): "parked/\(after?.description ?? "")"
        case .receipts: "receipts"
        case .exempted(let citizen, let row, _): "exempted/\(citizen)/\(row)"
        case .processed(let first): "processed/\(first)"
        }
    }

    func write(to json: inout JSONWriter) {
        switch step {
        case .begin: json.member("step", "begin")
        case .due: json.member("step", "due")
        case .municipality(let municipality, let after):
            json.member("step", "municipality")
            json.member("municipality", municipality.description)
            json.memberIfPresent("after", after?.description)
        case .package(let package, let row):
            json.member("step", "package")
            json.member("package", package)
            json.member("from", Int(row))
        case .parked(let after, let retriesFaults):
            json.member("step", "parked")
            json.memberIfPresent("after", after?.description)
            json.member("retriesFaults", retriesFaults ? 1 : 0)
        case .receipts: json.member("step", "receipts")
        case .exempted(let citizen, let row, let cause):
            json.member("step", "exempted")
            json.member("exempt", hex: citizen)
            json.member("below", Int(row))
            if let cause {
                json.key("cause")
                cause.write(to: &json)
            }
        case .processed(let first):
            json.member("step", "processed")
            json.member("from", hex: first)
        }
        json.member("day", Int(day.number))
        json.member("position", Int(position))
        if let catalogueChangedAt { json.member("changedAt", Int(catalogueChangedAt.milliseconds)) }
    }

    static func read(_ node: JSONNode) -> Sweep? {
        guard let day = node["day"]?.int.flatMap({ Day(number: $0) }), let position = node["position"]?.int else {
            return nil
        }
        let step: Step
        switch node["step"]?.string {
        case "begin": step = .begin
        case "due": step = .due
        case "municipality":
            guard let municipality = node["municipality"]?.string.flatMap({ Municipality($0) }) else { return nil }
            step = .municipality(municipality, after: node["after"]?.string.flatMap { Ident(hex: $0) })
        case "package":
            guard let package = node["package"]?.string, let row = node["from"]?.int else { return nil }
            step = .package(package, from: Int64(row))
        case "parked":
            step = .parked(
                after: node["after"]?.string.flatMap { Ident(hex: $0) }, retriesFaults: node["retriesFaults"]?.int == 1)
        case "receipts": step = .receipts
        case "exempted":
            guard let citizen = node["exempt"]?.string.flatMap({ Ident(hex: $0) }), let row = node["below"]?.int else {
                return nil
            }
            step = .exempted(citizen, below: Int64(row), cause: node["cause"].flatMap { Cause.read($0) })
        case "processed":
            guard let first = node["from"]?.string.flatMap({ Ident(hex: $0) }) else { return nil }
            step = .processed(from: first)
        default: return nil
        }
        return Sweep(
            step: step, day: day, position: Int64(position),
            catalogueChangedAt: node["changedAt"]?.int.map { Instant(milliseconds: Int64($0)) })
    }
}
