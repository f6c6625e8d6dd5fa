"""The day: who lives where, who gives what to whom, who moves, and everything that goes wrong."""

import json

from catalogue import (
    ADMINISTRATION, AIDS, AIDS_ACT, AIDS_CONTACT, ARCHIVE_READ, BUILDING_READ, CARE, CHRISTIANSOE, DAYCARE_ACT,
    DENTAL_READ, HOME_ACT, HOME_CONTACT, HOUSING_ACT, JOB_CONTACT, MEALS_ACT, MUNICIPALITIES, NORDLYS, NORDLYS_MUNICIPALITIES,
    PENSION_ACT, PENSION_READ, PORTAL, REGISTER, RENT_ACT, RETIRED_ACT, SCHOOL_ACT, SKOVLY, WASTE_ACT, activation,
    definitions, source_of)
from ledger import Ledger
from parties import Company, People, Person, example_cvr

CITIES = ["0101", "0461", "0751", "0851"]  # the same packages in all four


class Cast:
    """Everyone in the day, by the part they play."""

    def __init__(self, people: People):
        elders = lambda count: [people.elder() for _ in range(count)]
        adults = lambda count: [people.adult() for _ in range(count)]
        self.city, self.city_helpers = elders(24), adults(16)
        self.nordlys, self.nordlys_helpers = elders(12), adults(8)
        self.aids, self.aids_helpers = elders(8), adults(6)  # Herning and Bornholm
        self.town, self.town_helpers = adults(8), adults(4)
        self.parents, self.parent_helpers = adults(6), adults(4)
        self.homeless = elders(2)  # no residence known
        self.wrong, self.wrong_helper = elders(12), people.adult()
        self.child, self.child_helper, self.sixteen = people.of_age(12), people.of_age(13), people.of_age(16)
        self.letter_only = elders(6)  # exempt, and lift it again in the evening
        self.companies = [Company(example_cvr(60 + n)) for n in range(4)]
        self.late, self.late_helpers = elders(14), adults(8)
        self.new_number = people.elder()  # late[8], from a day on


def tell(ledger: Ledger, people: People) -> None:
    cast = Cast(people)
    morning_catalogue(ledger)
    morning_moves(ledger, cast)
    morning_exemptions(ledger, cast)
    grants(ledger, cast)
    moves(ledger, cast)
    revocations(ledger, cast)
    supplier_switch(ledger)
    after_the_switch(ledger, cast)
    evening(ledger, cast)
    requests(ledger, cast)
    post(ledger, cast)
    lives(ledger, cast)
    new_number(ledger, cast)
    follow_ups(ledger, cast)
    ledger.finish()


def morning_catalogue(ledger: Ledger) -> None:
    ledger.start("catalogue.jsonl")
    for id, type, data in definitions(ledger.today):
        ledger.define(id, type, data)


def morning_moves(ledger: Ledger, cast: Cast) -> None:
    """Everybody's residence, as a job that loads a register extract."""
    ledger.start("day/1-moves.jsonl")
    job = "example-load-residences"

    def settle(persons, codes, what):
        for at, person in enumerate(persons):
            ledger.relocate(what, person, codes[at % len(codes)], -900 - 11 * at, job=job)

    settle(cast.city, CITIES, "lives-city")
    settle(cast.nordlys, NORDLYS_MUNICIPALITIES, "lives-nordlys")
    settle(cast.aids, ["0657", "0400"], "lives-aids")
    settle(cast.town, ["0630", "0265"], "lives-town")
    settle(cast.parents, ["0147", "0621", "0657"], "lives-parent")
    settle(cast.wrong, CITIES, "lives-wrong")
    settle([cast.child], ["0461"], "lives-child")
    settle(cast.letter_only, ["0791", "0740"], "lives-letter")
    settle(cast.late, CITIES, "lives-late")
    settle(cast.city_helpers + cast.nordlys_helpers[:2], CITIES, "lives-helper")

    # A move that is heard of late, and is older than what is known, changes nothing. Of two moves on one day the one
    # registered later counts, though it is heard of first.
    late, twice = cast.city[0], cast.city[1]
    ledger.relocate("late-older-move", late, "0773", -1200, moves=False)
    ledger.relocate("same-day-later", twice, "0461", -30, registeredAt=f"{ledger.day(-30)}T15:00:00Z")
    ledger.relocate("same-day-earlier", twice, "0773", -30, moves=False, registeredAt=f"{ledger.day(-30)}T09:00:00Z")
    ledger.repeat("1-lives-city-03")
    ledger.repeat("1-lives-nordlys-01")

    def refuse(what, person, data, reasons):
        ledger.refuse(what, "move.relocate", person, REGISTER, {"citizen": person.party, **data}, reasons)

    one, two = cast.wrong[0], cast.wrong[1]
    refuse("move-to-nowhere", one, {"to": "0999", "effective": ledger.day(-1)}, [("unknown-municipality", "to")])
    refuse("move-without-date", one, {"to": "0461"}, [("missing-field", "effective")])
    refuse("move-without-place", two, {"effective": ledger.day(-1)}, [("missing-field", "to")])
    refuse("move-on-no-day", two, {"to": "0461", "effective": "2026-02-30"}, [("invalid-field", "effective")])
    refuse(
        "move-all-wrong", two, {"to": "9999", "effective": "tomorrow"},
        [("unknown-municipality", "to"), ("invalid-field", "effective")])
    nine_digits = {"citizen": {"cpr": "711240123"}, "to": "0461", "effective": ledger.day(-1)}
    ledger.unreadable("nine-digits", "move.relocate", None, REGISTER, nine_digits, "invalid-citizen")
    ledger.unreadable(
        "nobody", "move.relocate", None, REGISTER, {"to": "0461", "effective": ledger.day(-1)}, "invalid-citizen")
    ledger.unreadable(
        "unknown-type", "move.teleport", two, REGISTER, {"citizen": two.party, "to": "0461"}, "unknown-type")
    ledger.unreadable(
        "unknown-version", "move.relocate", two, REGISTER,
        {"citizen": two.party, "to": "0461", "effective": ledger.day(-1)}, "unknown-version", version="v9")


def morning_exemptions(ledger: Ledger, cast: Cast) -> None:
    """Whoever gets letters today: some grantors, some helpers, a company."""
    ledger.start("day/2-exemptions.jsonl")
    home = ledger.residence
    for person in cast.city[::5]:
        ledger.exempt_from_post("exempt-grantor", person, home[person.key])
    for person in cast.nordlys[::3]:
        ledger.exempt_from_post(
            "exempt-signed-form", person, home[person.key], requestedBy="representative", appearedInPerson=False)
    for person in cast.letter_only:
        ledger.exempt_from_post("exempt-for-a-time", person, home[person.key], validUntil=ledger.day(400))
    for person in cast.city_helpers[:3]:
        ledger.exempt_from_post("exempt-helper", person, home[person.key], job="example-load-exemptions")
    # Nobody knows where these live: any municipality may decide.
    for person in cast.aids_helpers[:2] + [cast.homeless[0]]:
        ledger.exempt_from_post("exempt-no-residence", person, "0561")
    ledger.exempt_from_post("exempt-company", cast.companies[0], "0751")
    ledger.exempt_from_post(
        "exempt-institution", cast.wrong[8], home[cast.wrong[8].key], requestedBy="institution", appearedInPerson=False)
    ledger.repeat("2-exempt-grantor-01")
    ledger.repeat("2-exempt-company-01")

    def refuse(what, person, municipality, reasons, drop=(), **more):
        data = ledger.register_data(person, municipality, **more)
        for name in drop:
            del data[name]
        # It comes from the municipality it names; where there is none of that code, from some other.
        source = source_of(municipality if municipality in MUNICIPALITIES else "0461")
        ledger.refuse(what, "exemption.register", person, source, data, reasons)

    asker = cast.wrong[2]
    place = home[asker.key]
    exempt = cast.city[0]
    refuse("exempt-not-in-person", asker, place, [("not-in-person", "appearedInPerson")], appearedInPerson=False)
    refuse("exempt-twice", exempt, home[exempt.key], [("already-exempt", "citizen")])
    refuse("exempt-elsewhere", asker, "0773", [("not-deciding-authority", "municipality")])
    refuse("exempt-no-journal", asker, place, [("journal-missing", "journal")], drop=["journal"])
    refuse("exempt-no-caseworker", asker, place, [("missing-field", "caseworker")], drop=["caseworker"])
    refuse("exempt-no-form", asker, place, [("missing-field", "form")], drop=["form"])
    refuse("exempt-nowhere", asker, "0000", [("unknown-municipality", "municipality")])
    refuse("exempt-by-neighbour", asker, place, [("invalid-field", "requestedBy")], requestedBy="neighbour")
    refuse(
        "exempt-all-wrong", exempt, "0773",
        [("already-exempt", "citizen"), ("not-deciding-authority", "municipality"),
         ("not-in-person", "appearedInPerson")], appearedInPerson=False)
    ledger.refuse(
        "lift-nothing", "exemption.lift", asker, PORTAL, {"citizen": asker.party, "by": "citizen"},
        [("not-exempt", "citizen")])
    bad_company = {**ledger.register_data(cast.companies[1], "0751"), "citizen": {"cvr": "12345678"}}
    ledger.unreadable("no-such-company", "exemption.register", None, source_of("0751"), bad_company, "invalid-citizen")


def grants(ledger: Ledger, cast: Cast) -> None:
    ledger.start("day/3-grants.jsonl")
    given_city(ledger, cast)
    for at, grantor in enumerate(cast.nordlys):
        helper = cast.nordlys_helpers[at % len(cast.nordlys_helpers)]
        ledger.issue("nordlys", grantor, helper, [HOME_ACT, MEALS_ACT] if at % 2 else [HOME_ACT], job="example-migration")
    for at, grantor in enumerate(cast.aids):
        ledger.issue("aids", grantor, cast.aids_helpers[at % len(cast.aids_helpers)], AIDS if at % 2 else [AIDS_ACT])
    for at, grantor in enumerate(cast.town):
        ledger.issue("town", grantor, cast.town_helpers[at % 4], [WASTE_ACT, BUILDING_READ] if at % 2 else [JOB_CONTACT])
    for at, grantor in enumerate(cast.parents):
        packages = [DENTAL_READ, SCHOOL_ACT] if at % 2 else [DAYCARE_ACT]
        ledger.issue("parent", grantor, cast.parent_helpers[at % 4], packages)
    ledger.issue("no-residence-national", cast.homeless[0], cast.wrong_helper, [PENSION_READ, RENT_ACT])
    for at, grantor in enumerate(cast.letter_only):
        ledger.issue("letter", grantor, cast.town_helpers[at % 4], [HOUSING_ACT, PENSION_READ], channel="paper")

    # Given and taken back before anybody could have been told.
    hasty, friend = cast.town[0], cast.town_helpers[3]
    ledger.issue("hasty", hasty, friend, [PENSION_READ])
    ledger.revoke("hasty-regret", hasty, friend, [PENSION_READ])
    ledger.issue("hasty-again", hasty, friend, [PENSION_READ])
    ledger.repeat("3-hasty-01")
    ledger.repeat("3-city-plain-01")
    ledger.repeat("3-aids-02")
    wrong_grants(ledger, cast)


def given_city(ledger: Ledger, cast: Cast) -> None:
    """The four cities: every way to register a grant."""
    for at, grantor in enumerate(cast.city):
        helper = cast.city_helpers[at % len(cast.city_helpers)]
        match at % 8:
            case 0: ledger.issue("city-plain", grantor, helper, [AIDS_ACT])
            case 1: ledger.issue("city-many", grantor, helper, [AIDS_ACT, HOME_CONTACT, PENSION_READ], until=1095)
            case 2: ledger.issue("city-paper", grantor, helper, [HOME_ACT], channel="paper", validFrom=ledger.day(-60))
            case 3: ledger.issue("city-assisted", grantor, helper, [AIDS_CONTACT, RENT_ACT], channel="assisted")
            case 4: ledger.issue("city-future", grantor, helper, [MEALS_ACT], validFrom=ledger.day(30))
            case 5: ledger.issue("city-company", grantor, cast.companies[at // 8 % 2], [HOUSING_ACT, HOME_ACT])
            case 6: ledger.issue("city-archive", grantor, helper, [ARCHIVE_READ, AIDS_ACT])
            case 7: ledger.issue("city-earlier", grantor, helper, [PENSION_ACT], validFrom=ledger.day(-10), until=1000)
    # A second helper for some.
    for at, grantor in enumerate(cast.city[:6]):
        ledger.issue("city-second-helper", grantor, cast.city_helpers[(at + 7) % 16], [HOME_CONTACT, WASTE_ACT])


def wrong_grants(ledger: Ledger, cast: Cast) -> None:
    helper = cast.wrong_helper

    def refuse(what, grantor, reasons, representative=helper, packages=(AIDS_ACT,), drop=(), channel="digital", **more):
        data = ledger.issue_data(grantor, representative, packages, channel, **more)
        for name in drop:
            del data[name]
        ledger.refuse(what, "grant.issue", grantor, ledger.source_for(grantor, channel), data, reasons)

    w = cast.wrong
    month_13 = Person("6113401234", 1940)
    refuse("issue-to-no-cpr", w[0], [("invalid-cpr", "representative.cpr")], representative=month_13)
    refuse("issue-to-no-cvr", w[0], [("invalid-cvr", "representative.cvr")], representative=Company("12345678"))
    refuse("issue-unknown-package", w[0], [("unknown-package", "packages[1]")], packages=[AIDS_ACT, "example-none"])
    refuse("issue-retired", w[1], [("package-retired", "packages[0]")], packages=[RETIRED_ACT])
    refuse(
        "issue-not-activated", cast.aids[0],
        [("package-not-activated", "packages[0]"), ("package-not-activated", "packages[2]")],
        packages=[HOME_ACT, PENSION_READ, MEALS_ACT])
    refuse("issue-to-self", w[1], [("same-party", "representative")], representative=w[1])
    refuse("issue-by-child", cast.child, [("grantor-too-young", "grantor")])
    refuse("issue-to-child", w[2], [("representative-too-young", "representative")], representative=cast.child_helper)
    refuse(
        "issue-to-sixteen", w[2], [("representative-too-young", "representative")], representative=cast.sixteen,
        packages=[RENT_ACT])
    refuse("issue-ended", w[3], [("validity-ended", "validUntil")], until=-2)
    refuse("issue-too-long", w[3], [("validity-too-long", "validUntil")], packages=[PENSION_ACT], until=1900)
    refuse("issue-a-century", w[3], [("validity-too-long", "validUntil")], until=36600)
    refuse("issue-again", cast.city[0], [("already-granted", "packages[0]")], representative=cast.city_helpers[0])
    paper = [
        ("journal-missing", "evidence.journal"), ("evidence-missing", "evidence.caseworker"),
        ("evidence-missing", "evidence.identification")]
    assessment = [
        ("assessment-missing", f"evidence.assessment.{part}")
        for part in ("possibilities", "consequences", "citizenPresent", "decidedOn")]
    refuse("issue-paper-no-evidence", w[4], paper, channel="paper", drop=["evidence"])
    refuse("issue-assisted-no-evidence", w[4], paper + assessment, channel="assisted", drop=["evidence"])
    refuse(
        "issue-no-identification", w[4], [("evidence-missing", "evidence.identification")], channel="paper",
        evidence={"journal": "EX-FORM-0002", "caseworker": "example-caseworker-2"})
    refuse(
        "issue-no-journal", w[5], [("journal-missing", "evidence.journal")], channel="paper",
        evidence={"caseworker": "example-caseworker-2", "identification": "mitid"})
    refuse(
        "issue-no-assessment", w[5], assessment, channel="assisted",
        evidence={"journal": "EX-FORM-0003", "caseworker": "example-caseworker-2", "identification": "passport"})
    refuse("issue-no-residence", cast.homeless[1], [("residence-unknown", "packages[0]")], packages=[AIDS_ACT, PENSION_READ])
    refuse("issue-no-end", w[6], [("missing-field", "validUntil")], drop=["validUntil"])
    refuse("issue-to-nobody", w[6], [("missing-field", "representative")], drop=["representative"])
    refuse("issue-no-packages", w[6], [("invalid-field", "packages")], packages=[])
    refuse("issue-twice-the-same", w[7], [("invalid-field", "packages[1]")], packages=[AIDS_ACT, AIDS_ACT])
    refuse("issue-no-day", w[7], [("invalid-field", "validUntil")], validUntil="31-12-2030")
    refuse("issue-long-ago", w[7], [("invalid-field", "validFrom")], validFrom=ledger.day(-60))
    refuse(
        "issue-all-wrong", w[7],
        [("same-party", "representative"), ("validity-ended", "validUntil"), ("unknown-package", "packages[0]")],
        representative=w[7], packages=["example-none", PENSION_READ], until=-30)

    data = ledger.issue_data(w[8], helper, [AIDS_ACT])
    ledger.unreadable("unknown-version", "grant.issue", w[8], PORTAL, data, "unknown-version", version="v2")
    ledger.unreadable("unknown-type", "grant.lend", w[8], PORTAL, data, "unknown-type")
    ledger.unreadable(
        "grantor-nine-digits", "grant.issue", None, PORTAL, {**data, "grantor": {"cpr": "711240123"}}, "invalid-citizen")
    # The id of an earlier command of the same citizen, with other content.
    first = ledger.sent["3-city-plain-01"]
    other = {**first["data"], "packages": [HOME_ACT]}
    ledger.unreadable("", "grant.issue", cast.city[0], first["source"], other, "id-reused", id=first["id"])


def moves(ledger: Ledger, cast: Cast) -> None:
    """Citizens move: a grant stays active where its package is, sleeps where it is not, and wakes again."""
    ledger.start("day/4-moves.jsonl")
    home = ledger.residence
    city = cast.city

    def move(what, person, to, days=-1, **more):
        ledger.relocate(what, person, to, days, **{"from": home[person.key]}, **more)

    for at, person in enumerate(city[8:16]):  # from city to city
        there = CITIES[(CITIES.index(home[person.key]) + 1 + at % 3) % 4]
        move("stays-active", person, there, -(at % 3))
    move("stays-active", city[16], "0657")
    for person in (cast.aids[0], cast.aids[2]):
        move("stays-active", person, "0400")
    move("stays-active", cast.town[2], "0265")
    move("stays-active", cast.parents[0], "0101")
    move("national-stays", city[23], "0773")

    move("one-of-three-dormant", city[17], "0657", dormant=[HOME_CONTACT])
    move("dormant", city[18], "0773", dormant=[HOME_ACT])
    move("dormant", city[19], "0773", dormant=[AIDS_CONTACT])
    move("dormant-on-christiansoe", city[20], CHRISTIANSOE, dormant=[MEALS_ACT])
    move("dormant-but-archive", city[22], "0773", dormant=[AIDS_ACT])
    move("waste-dormant", city[5], "0740", dormant=[WASTE_ACT])
    move("town-dormant", cast.town[1], "0621", dormant=[WASTE_ACT, BUILDING_READ])
    move("parent-dormant", cast.parents[1], "0740", dormant=[DENTAL_READ, SCHOOL_ACT])
    move("there", city[21], "0400", -3, dormant=[HOUSING_ACT, HOME_ACT])
    move("and-on", city[21], "0740", -1, awake=[HOUSING_ACT, HOME_ACT])
    # Representatives move too; that is nobody's business but theirs.
    for person in cast.city_helpers[4:7]:
        move("helper-moves", person, "0773")

    for person in city[2:4]:  # to come: no effect yet
        move("next-month", person, "0773", 20, moves=False)
    ledger.relocate("late-and-old", city[4], "0773", -2000, moves=False, registeredAt=f"{ledger.day(-2)}T08:00:00Z")
    ledger.relocate("late-and-old", cast.nordlys[0], "0773", -1500, moves=False)
    ledger.repeat("4-dormant-01")
    ledger.repeat("4-dormant-02")
    ledger.repeat("1-lives-city-17")  # since then she has moved away, and this does not bring her back


def revocations(ledger: Ledger, cast: Cast) -> None:
    ledger.start("day/5-revocations.jsonl")
    city, helpers = cast.city, cast.city_helpers
    companies, town = cast.companies, cast.town
    ledger.revoke("by-grantor", city[8], helpers[8], [AIDS_ACT])
    ledger.issue("given-again", city[8], helpers[8], [AIDS_ACT])
    ledger.revoke("one-of-three", city[9], helpers[9], [HOME_CONTACT], by="representative")
    ledger.revoke("by-authority", city[10], helpers[10], [HOME_ACT], by="authority", reason="Example: asked for on paper")
    ledger.revoke("dormant", city[17], helpers[1], [HOME_CONTACT])
    ledger.revoke("exempt", city[15], helpers[15], [PENSION_ACT])
    ledger.revoke("by-company", city[13], companies[1], [HOUSING_ACT], by="representative")
    ledger.revoke(
        "from-exempt-company", city[21], companies[0], [HOUSING_ACT, HOME_ACT], reason="Example: moved in with family")
    ledger.revoke("from-exempt-helper", city[0], helpers[0], [AIDS_ACT])
    ledger.revoke("second-helper", city[1], helpers[8], [WASTE_ACT])
    ledger.revoke("second-helper", city[1], helpers[8], [HOME_CONTACT])
    ledger.revoke("letters", cast.letter_only[0], cast.town_helpers[0], [HOUSING_ACT, PENSION_READ], by="authority")
    ledger.revoke("aids", cast.aids[1], cast.aids_helpers[1], AIDS, by="representative")
    ledger.revoke("town", town[3], cast.town_helpers[3], [BUILDING_READ])
    ledger.revoke("parent", cast.parents[2], cast.parent_helpers[2], [DAYCARE_ACT])
    ledger.revoke("nordlys", cast.nordlys[11], cast.nordlys_helpers[3], [HOME_ACT, MEALS_ACT])
    ledger.repeat("5-by-grantor-01")  # a repeat of the old revocation does not touch what was given since
    ledger.repeat("5-aids-01")

    def refuse(what, grantor, reasons, representative, packages, drop=(), **more):
        data = {
            "grantor": grantor.party, "representative": representative.party, "packages": packages, "by": "grantor",
            **more}
        for name in drop:
            del data[name]
        ledger.refuse(what, "grant.revoke", grantor, PORTAL, data, reasons)

    refuse("revoke-twice", city[9], [("unknown-grant", "packages[0]")], helpers[9], [HOME_CONTACT])
    refuse("revoke-never-given", cast.wrong[9], [("unknown-grant", "packages[0]")], helpers[9], [AIDS_ACT])
    refuse("revoke-half", city[9], [("unknown-grant", "packages[1]")], helpers[9], [AIDS_ACT, HOME_CONTACT])
    refuse("revoke-by-nobody", city[9], [("missing-field", "by")], helpers[9], [AIDS_ACT], drop=["by"])
    refuse("revoke-by-neighbour", city[9], [("invalid-field", "by")], helpers[9], [AIDS_ACT], by="neighbour")
    refuse(
        "revoke-unknown-id", city[9], [("unknown-grant", "grant")], helpers[9], [], drop=["representative", "packages"],
        grant="00000000-0000-4000-8000-000000000000")
    ledger.refuse(
        "issue-while-dormant", "grant.issue", city[19], PORTAL, ledger.issue_data(city[19], helpers[3], [AIDS_CONTACT]),
        [("package-not-activated", "packages[0]"), ("already-granted", "packages[0]")])


def supplier_switch(ledger: Ledger) -> None:
    """Nordlys' activations ended yesterday. Esbjerg has Skovly for the same packages; the other three have nothing."""
    ledger.start("catalogue-changes.jsonl")
    for code in NORDLYS_MUNICIPALITIES:
        for package in CARE:
            data = {**activation(code, package, NORDLYS, ledger.today), "until": ledger.day(-1)}
            ledger.define(f"switch-{code}-{package}", "activation.set", data)
    ledger.define("switch-0773-aids", "activation.set", activation("0773", AIDS_ACT, SKOVLY, ledger.today))
    second = {**ledger.sent[f"cat-package-{PENSION_READ}"]["data"], "version": 2}
    ledger.define("switch-pension-wording", "package.define", second)

    def refuse(id, type, data, reasons):
        ledger.send(ledger.event(id, type, ADMINISTRATION, data))
        ledger.rejected(id, reasons)

    refuse(
        "switch-nowhere", "activation.set", activation("0999", AIDS_ACT, SKOVLY, ledger.today),
        [("unknown-municipality", "municipality")])
    refuse(
        "switch-ends-before", "activation.set",
        {**activation("0773", HOME_ACT, SKOVLY, ledger.today), "until": ledger.day(-500)}, [("invalid-field", "until")])
    refuse(
        "switch-no-kind", "package.define", {k: v for k, v in second.items() if k != "kind"}, [("missing-field", "kind")])


def after_the_switch(ledger: Ledger, cast: Cast) -> None:
    ledger.start("day/6-exemptions.jsonl")
    home = ledger.residence
    letter_only, helpers = cast.letter_only, cast.city_helpers
    for person in letter_only[:3]:
        ledger.lift("lift-by-citizen", person)
    for person in letter_only[3:5]:
        ledger.lift("lift-by-authority", person, by="authority", municipality=home[person.key], journal="EX-LIFT-0001")
    ledger.lift("lift-and-again", letter_only[5])
    ledger.exempt_from_post("exempt-again", letter_only[5], home[letter_only[5].key])
    ledger.lift("lift-helper", helpers[0])
    ledger.lift("lift-company", cast.companies[0], by="representative")
    ledger.exempt_from_post("exempt-today", cast.nordlys[1], home[cast.nordlys[1].key])
    ledger.repeat("6-lift-by-citizen-01")
    ledger.repeat("2-exempt-for-a-time-01")  # this morning's registration once more: she stays connected

    def refuse(what, person, reasons, **more):
        data = {"citizen": person.party, "by": "citizen", **more}
        source = source_of(more["municipality"]) if "municipality" in more else PORTAL
        ledger.refuse(what, "exemption.lift", person, source, data, reasons)

    refuse("lift-twice", letter_only[0], [("not-exempt", "citizen")])
    refuse("lift-elsewhere", helpers[1], [("not-deciding-authority", "municipality")], municipality="0773")
    refuse("lift-by-neighbour", helpers[2], [("invalid-field", "by")], by="neighbour")

    ledger.start("day/7-grants.jsonl")
    nordlys, friend = cast.nordlys, cast.wrong_helper
    for person in (nordlys[0], nordlys[1], nordlys[3]):
        ledger.refuse(
            "after-the-switch", "grant.issue", person, PORTAL, ledger.issue_data(person, friend, [AIDS_ACT]),
            [("package-not-activated", "packages[0]")])
    for person in (nordlys[2], nordlys[6]):
        ledger.issue("esbjerg-goes-on", person, friend, [AIDS_ACT])
    ledger.issue("morsoe-has-begun", cast.city[23], friend, [AIDS_ACT])
    for person in letter_only[:3]:
        ledger.issue("digital-again", person, friend, [HOUSING_ACT])
    ledger.revoke("digital-regret", letter_only[0], friend, [HOUSING_ACT])
    ledger.issue("letters-again", letter_only[5], helpers[0], [MEALS_ACT])
    ledger.issue("company-by-post", cast.city[11], cast.companies[0], [PENSION_READ])
    ledger.revoke("dormant-since-the-switch", nordlys[4], cast.nordlys_helpers[4], [HOME_ACT])
    ledger.repeat("3-letter-02")
    ledger.repeat("5-one-of-three-01")
    revoked = ledger.sent["5-by-grantor-01"]
    other = ledger.issue_data(cast.city[8], friend, [PENSION_READ])
    ledger.unreadable("", "grant.issue", cast.city[8], revoked["source"], other, "id-reused", id=revoked["id"])


def evening(ledger: Ledger, cast: Cast) -> None:
    """All topics at once: whoever moves, gives or is exempted now does nothing else."""
    ledger.start("day/8-evening.jsonl")
    home = ledger.residence
    city, nordlys = cast.city, cast.nordlys
    ledger.relocate("back-from-morsoe", city[18], "0461", 0, awake=[HOME_ACT])
    ledger.issue("evening", city[12], cast.wrong_helper, [PENSION_READ, RENT_ACT])
    ledger.exempt_from_post("evening", cast.wrong[10], home[cast.wrong[10].key])
    ledger.relocate("out-of-slagelse", nordlys[1], "0751", 0, awake=[HOME_ACT, MEALS_ACT])
    ledger.issue("evening", city[14], cast.companies[2], [AIDS_CONTACT], channel="assisted")
    ledger.exempt_from_post("evening", cast.companies[3], "0461")
    ledger.relocate("out-of-kolding", nordlys[3], "0561", 0, awake=[HOME_ACT, MEALS_ACT])
    ledger.issue("evening", cast.town[5], cast.wrong_helper, [WASTE_ACT])
    ledger.exempt_from_post("evening", cast.wrong[11], home[cast.wrong[11].key])
    ledger.relocate("to-roskilde", city[16], "0265", 0, dormant=[AIDS_ACT])
    ledger.revoke("evening", cast.town[7], cast.town_helpers[3], [WASTE_ACT], by="representative")
    ledger.lift("evening", cast.city[10])
    ledger.repeat("8-to-roskilde-01")
    ledger.repeat("1-lives-nordlys-02")


def requests(ledger: Ledger, cast: Cast) -> None:
    """Helpers ask; the citizens answer digitally, on paper, or not at all."""
    ledger.start("day/9-requests.jsonl")
    late, helpers = cast.late, cast.late_helpers
    asked = [
        ledger.request("asked", late[at], helpers[at % 6], packages)
        for at, packages in enumerate([[AIDS_ACT], [HOME_ACT, MEALS_ACT], [PENSION_READ], [AIDS_CONTACT], [RENT_ACT]])]
    ledger.refuse(
        "asked-twice", "grant.request", late[4], PORTAL,
        {k: v for k, v in ledger.issue_data(late[4], helpers[4], [RENT_ACT]).items() if k != "channel"},
        [("already-requested", "packages[0]")])
    ledger.refuse(
        "no-signature", "grant.approve", late[1], source_of(ledger.residence[late[1].key]),
        {**ledger.answer_data(late[1], asked[1]), "channel": "paper"},
        [("journal-missing", "evidence.journal"), ("evidence-missing", "evidence.caseworker"),
         ("evidence-missing", "evidence.identification")])
    ledger.refuse(
        "no-request", "grant.decline", late[2], PORTAL, ledger.answer_data(late[2], asked[1]),
        [("unknown-request", "request")])
    ledger.approve("yes", asked[0])
    ledger.approve("yes-on-paper", asked[1], channel="paper")
    ledger.decline("no", asked[3])
    ledger.repeat("9-yes-01")
    for at in range(5, 12):
        ledger.issue("for-later", late[at], helpers[at % 6], [AIDS_ACT, PENSION_READ])


def post(ledger: Ledger, cast: Cast) -> None:
    """Exemptions by mistake and for a departure, read access, and the automatic enrolment that passes over the exempt."""
    ledger.start("day/10-post.jsonl")
    late, home = cast.late, ledger.residence
    ledger.exempt_from_post("mistaken", late[12], home[late[12].key])
    ledger.by_mistake("mistake", late[12], home[late[12].key])
    ledger.exempt_from_post("reads-letters", late[13], home[late[13].key])
    ledger.enrol("passed-over", late[13])
    ledger.read_access("daughter-reads", late[13], cast.late_helpers[6])
    ledger.read_access("no-longer", late[13], cast.late_helpers[6], ends=True)
    ledger.refuse(
        "no-access", "readaccess.withdraw", late[12], PORTAL,
        {"citizen": late[12].party, "holder": cast.late_helpers[7].party}, [("unknown-readaccess", "holder")])
    ledger.exempt_from_post("leaves-the-country", late[5], home[late[5].key], departure=True)
    ledger.exempt_from_post("joins-again", late[11], home[late[11].key])
    ledger.enrol("joins", late[11], reason="voluntary")
    for person in late[6:9]:
        ledger.enrol("enrolled", person)


def lives(ledger: Ledger, cast: Cast) -> None:
    """Someone emigrates and comes back, a citizen dies, a helper dies, and one who was called dead is not."""
    ledger.start("day/11-lives.jsonl")
    late = cast.late
    ledger.abroad("emigrates", late[5], -40, dormant=[AIDS_ACT])
    ledger.abroad("comes-back", late[5], -1, to="0461", awake=[AIDS_ACT])
    ledger.decease("citizen-dies", late[6])
    ledger.decease("helper-dies", cast.late_helpers[3])
    mistake = ledger.decease("called-dead", late[7])
    ledger.alive_after_all("not-dead", late[7], mistake)
    ledger.renumber("gets-new-number", late[8], cast.new_number)
    data = {"citizen": late[6].party, "to": "0461", "effective": ledger.day(0)}
    ledger.refuse("dead-do-not-move", "move.relocate", late[6], REGISTER, data, [("citizen-dead", "citizen")])


def new_number(ledger: Ledger, cast: Cast) -> None:
    """Some still know the old number; so does a renewal among the follow-ups."""
    ledger.start("day/12-new-number.jsonl")
    ledger.revoke("by-old-number", cast.late[8], cast.late_helpers[2], [AIDS_ACT])


def follow_ups(ledger: Ledger, cast: Cast) -> None:
    """Renewals and corrections name a grant by its id, which the outcome told."""
    ledger.start("follow-ups.json")
    ledger.follow("renewed", "grant.renew", "9-for-later-04", PENSION_READ, 1, {"validUntil": ledger.day(1500)})
    ledger.follow(
        "seen-too-late", "grant.renew", "9-for-later-04", PENSION_READ, 1, {"validUntil": ledger.day(1600)},
        [("version-mismatch", "version")])
    ledger.follow(
        "corrected", "grant.correct", "9-for-later-06", PENSION_READ, 1,
        {"changes": {"validUntil": ledger.day(365)}, "journal": "EX-CORRECT-0001"})
    ledger.follow(
        "wrong-helper", "grant.correct", "9-for-later-07", AIDS_ACT, 1,
        {"changes": {"representative": cast.late_helpers[7]}, "journal": "EX-CORRECT-0002"})


def raw(ledger: Ledger, people: People) -> list[dict]:
    """Records that no producer should write, as bytes; without a file, a record without a value."""
    ledger.start("raw")
    citizen, friend = people.elder(), people.adult()
    structured = {"content-type": "application/cloudevents+json"}
    issue = ledger.event("raw-wrong-topic", "grant.issue", PORTAL, ledger.issue_data(citizen, friend, [PENSION_READ]))
    move = ledger.event(
        "raw-move", "move.relocate", REGISTER, {"citizen": citizen.party, "to": "0461", "effective": ledger.day(-1)})
    grant_topic, move_topic = "fuldmagt.commands.grant", "fuldmagt.commands.move"

    def text(event, drop=(), **more):
        return json.dumps({k: v for k, v in {**event, **more}.items() if k not in drop}, ensure_ascii=False).encode()

    binary = {
        "ce_specversion": "1.0", "ce_id": "raw-binary", "ce_type": "dk.fuldmagt.move.relocate.v1",
        "ce_source": REGISTER, "content-type": "application/json"}
    records = []

    def add(name, topic, headers, value, reason, id=None):
        ledger.dead_lettered(id, reason)
        records.append({"file": name, "topic": topic, "headers": headers, "value": value, "reason": reason})

    add("wrong-topic.json", move_topic, structured, text(issue), "wrong-topic", "raw-wrong-topic")
    add("missing-id.json", move_topic, structured, text(move, drop=["id"]), "missing-attribute")
    add("missing-source.json", move_topic, structured, text(move, drop=["source"]), "missing-attribute", "raw-move")
    add(
        "wrong-specversion.json", move_topic, structured, text(move, specversion="0.3", id="raw-old"),
        "invalid-attribute", "raw-old")
    add("wrong-source.json", move_topic, structured, text(move, source="somebody", id="raw-who"), "invalid-attribute",
        "raw-who")
    add("cut-short.json", grant_topic, structured, text(issue)[:200], "invalid-json")
    add("not-json.txt", grant_topic, {**binary, "ce_type": "dk.fuldmagt.grant.issue.v1", "ce_id": "raw-not-json"},
        "Dear citizen service, I would like to give my son a power of attorney.".encode(), "invalid-json", "raw-not-json")
    add("repeated-member.json", move_topic, {**binary, "ce_id": "raw-repeated"},
        b'{"citizen":' + json.dumps(citizen.party).encode() + b',"to":"0461","to":"0751","effective":"2026-01-01"}',
        "invalid-json", "raw-repeated")
    add("latin-1.json", move_topic, {**binary, "ce_id": "raw-latin-1"},
        b'{"citizen":' + json.dumps(citizen.party).encode() + b',"to":"0461","effective":"2026-01-01","note":"\xe6"}',
        "invalid-utf8", "raw-latin-1")
    add("too-deep.json", move_topic, {**binary, "ce_id": "raw-too-deep"}, b"[" * 2000 + b"]" * 2000, "too-deep",
        "raw-too-deep")
    add(None, grant_topic, {}, None, "empty-value")  # a tombstone
    return records
