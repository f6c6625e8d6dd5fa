import FuldmagtDomain
import Testing

@Suite struct ValueTests {
    static func day(_ text: String) -> Day {
        guard let day = Day(text) else { preconditionFailure("a test's day is wrong") }
        return day
    }

    static let today = day("2026-11-23")

    @Test(
        "the century follows digit 7 and the year",
        arguments: [
            ("6101000000", 1900), ("6101993999", 1999), ("6101004000", 2000), ("6101254000", 2025),
            ("6101374000", 1937),
            ("6101994000", 1999), ("6101005000", 2000), ("6101255000", 2025), ("6101585000", 1858),
            ("6101998000", 1899),
            ("6101009000", 2000), ("6101379000", 1937),
        ])
    func century(number: String, year: Int) throws {
        #expect(try CPR(number, today: Self.today).birth.year == year)
    }

    @Test(
        "what is no CPR number",
        arguments: [
            ("610150001", CPR.Invalid.form), ("61015000140", .form), ("61015000x4", .form), ("610150-0014", .form),
            ("6101X00014", .form), ("", .form), ("9201500014", .date), ("6113500014", .date), ("9102500014", .date),
            ("6101364014", .date), ("6001500014", .date),
        ])
    func invalidCPR(number: String, fault: CPR.Invalid) {
        #expect(throws: fault) { try CPR(number, today: Self.today) }
    }

    @Test("replacement numbers have letters in positions 8 and 9, and test persons 60 days more")
    func kinds() throws {
        #expect(try CPR("6101500AB4", today: Self.today).isTestPerson)
        // Built up, so that no number of a real day stands here.
        #expect(try !CPR("01" + "01500014", today: Self.today).isTestPerson)
        #expect(throws: CPR.Invalid.form) { try CPR("610150A014", today: Self.today) }
    }

    @Test("a CPR number never describes itself")
    func masked() throws {
        let cpr = try CPR("6101500014", today: Self.today)
        var dumped = ""
        dump(cpr, to: &dumped)
        for text in ["\(cpr)", String(reflecting: cpr), dumped, "\(Party.person(cpr))", String(reflecting: [cpr])] {
            #expect(!text.contains("6101500014"))
        }
    }

    @Test(
        "CVR numbers comply with their weights",
        arguments: [
            ("29189846", true), ("55133018", true), ("12345678", false), ("00000000", false), ("2918984", false),
            ("291898460", false), ("2918984x", false),
        ])
    func cvr(number: String, isValid: Bool) { #expect((CVR(number) != nil) == isValid) }

    @Test("98 municipalities and Christiansø, with or without the leading zero")
    func municipalities() {
        #expect(Municipality.all.count == 99)
        #expect(Municipality.all.count { $0.isMunicipality } == 98)
        #expect(Municipality("101") == Municipality("0101"))
        #expect(Municipality(code: 101)?.description == "0101")
        #expect(Municipality("0411")?.isMunicipality == false)
        for wrong in ["0999", "", "01011", "x", "-101", "０１０１"] { #expect(Municipality(wrong) == nil) }
    }

    @Test("KLE numbers, patterns and facets")
    func kle() throws {
        #expect(KLEPattern("27.60.20")?.number == "27.60.20")
        #expect(KLEPattern("27.*")?.number == "27")
        for wrong in ["*", "27.60.20.*", "2.60", "27.60.20.10", "27.", "", "aa"] { #expect(KLEPattern(wrong) == nil) }
        let wide = try #require(KLEPattern("27.*"))
        let narrow = try #require(KLEPattern("27.60.20"))
        #expect(wide.covers(narrow) && !narrow.covers(wide))
        #expect(KLEFacet("Ø15") != nil && KLEFacet("G01") != nil && KLEFacet("X01") == nil && KLEFacet("G1") == nil)
        #expect(KLERegister().knows(wide))
        #expect(try !KLERegister().knows(#require(KLEPattern("99.99"))))
        #expect(KLERegister(numbers: ["27.60.20"]).knows(narrow))
        #expect(try !KLERegister(numbers: ["27.60.20"]).knows(#require(KLEPattern("27.60"))))
    }

    @Test("every day of 300 years goes to a number and back")
    func days() {
        var day = Self.day("1800-01-01")
        let end = Self.day("2100-01-01")
        while day < end {
            let next = Day(daysSince1970: day.daysSince1970 + 1)
            if Day(day.description) != day || next.daysSince1970 != day.daysSince1970 + 1 || next <= day {
                Issue.record("\(day)")
                return
            }
            day = next
        }
        for wrong in ["2026-02-29", "2026-13-01", "2026-1-1", "26-01-01", "2026-01-01T", "1799-12-31", "2026-04-31"] {
            #expect(Day(wrong) == nil)
        }
        #expect(Self.day("2024-02-29").adding(years: 1) == Self.day("2025-02-28"))
        #expect(Self.day("2010-11-24").years(until: Self.today) == 15)
        #expect(Self.day("2010-11-23").years(until: Self.today) == 16)
    }

    @Test(
        "the day of an instant is Copenhagen's, in winter and in summer time",
        arguments: [
            ("2026-11-22T22:59:59Z", "2026-11-22"), ("2026-11-22T23:00:00Z", "2026-11-23"),
            ("2026-06-30T21:59:59Z", "2026-06-30"), ("2026-06-30T22:00:00Z", "2026-07-01"),
            ("2026-03-28T23:30:00Z", "2026-03-29"), ("2026-03-29T22:30:00Z", "2026-03-30"),
            ("2026-10-24T22:30:00Z", "2026-10-25"), ("2026-10-25T22:30:00Z", "2026-10-25"),
            ("2026-10-25T23:30:00Z", "2026-10-26"), ("1969-12-31T23:30:00Z", "1970-01-01"),
        ])
    func copenhagen(instant: String, day: String) throws {
        #expect(try #require(Instant(instant)).day.description == day)
    }

    @Test("instants are read with any offset and fraction, and written in UTC with milliseconds")
    func instants() {
        #expect(Instant("2026-11-22T10:00:00.1239+01:00")?.description == "2026-11-22T09:00:00.123Z")
        #expect(Instant("2026-11-22T10:00:00z")?.description == "2026-11-22T10:00:00.000Z")
        for wrong in ["2026-11-22", "2026-11-22T10:00:00", "2026-11-22T25:00:00Z", "2026-11-22T10:00:00.Z", "x"] {
            #expect(Instant(wrong) == nil)
        }
        #expect(Instant(milliseconds: .max).description.hasPrefix("9999"))
        #expect(Instant(milliseconds: .min).day == Self.day("1800-01-01"))
    }
}
