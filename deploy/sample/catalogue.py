"""The example catalogue. Municipalities are real, and so are KLE numbers; packages, suppliers, systems, company numbers
and contact data are made up and say so."""

from datetime import timedelta

from parties import example_cvr

# Example company numbers: 0-9 national, 10-19 suppliers, 20 and up municipalities.
REGISTER = f"urn:dk:cvr:{example_cvr(0)}:register-example"
PORTAL = f"urn:dk:cvr:{example_cvr(1)}:self-service-example"
ADMINISTRATION = f"urn:dk:cvr:{example_cvr(2)}:catalogue-example"

NORDLYS = "urn:example:itsystem:nordlys-care"
SKOVLY = "urn:example:itsystem:skovly-home"
HAVBLIK = "urn:example:itsystem:havblik-citizen"
ARCHIVE = "urn:example:itsystem:havblik-archive"

SYSTEMS = [
    (NORDLYS, "Nordlys Care (example)", 10, "Nordlys Data (fictitious)"),
    (SKOVLY, "Skovly Home (example)", 11, "Skovly Systems (fictitious)"),
    (HAVBLIK, "Havblik Citizen (example)", 12, "Havblik IT (fictitious)"),
    (ARCHIVE, "Havblik Archive (example)", 12, "Havblik IT (fictitious)"),
]

AIDS_ACT = "example-hjaelpemidler-act"
AIDS_CONTACT = "example-hjaelpemidler-contact"
HOME_ACT = "example-hjemmehjaelp-act"
HOME_CONTACT = "example-hjemmehjaelp-contact"
MEALS_ACT = "example-madservice-act"
HOUSING_ACT = "example-plejebolig-act"
DAYCARE_ACT = "example-dagtilbud-act"
DENTAL_READ = "example-tandpleje-read"
SCHOOL_ACT = "example-skoleskift-act"
JOB_CONTACT = "example-beskaeftigelse-contact"
WASTE_ACT = "example-affald-act"
BUILDING_READ = "example-byggesag-read"
PENSION_ACT = "example-pension-act"
PENSION_READ = "example-pension-read"
RENT_ACT = "example-boligstoette-act"
ARCHIVE_READ = "example-plejeboligarkiv-read"
RETIRED_ACT = "example-udgaaet-act"

CARE = [AIDS_ACT, AIDS_CONTACT, HOME_ACT, HOME_CONTACT, MEALS_ACT, HOUSING_ACT]
FAMILY = [DAYCARE_ACT, DENTAL_READ, SCHOOL_ACT]
TOWN = [JOB_CONTACT, WASTE_ACT, BUILDING_READ]
AIDS = [AIDS_ACT, AIDS_CONTACT]

# id: (kind, scope, KLE, subject in Danish, in English, further fields)
PACKAGES = {
    AIDS_ACT: ("act", "municipal", ["27.60"], "hjælpemidler", "assistive aids", {}),
    AIDS_CONTACT: ("contact", "municipal", ["27.60"], "hjælpemidler", "assistive aids", {}),
    HOME_ACT: ("act", "municipal", ["27.36.04"], "hjælp i hjemmet", "help at home", {}),
    HOME_CONTACT: ("contact", "municipal", ["27.36.04"], "hjælp i hjemmet", "help at home", {}),
    MEALS_ACT: ("act", "municipal", ["27.36.24"], "mad til hjemmet", "meals at home", {}),
    HOUSING_ACT: ("act", "municipal", ["27.42.08"], "bolig med pleje", "housing with care", {}),
    DAYCARE_ACT: ("act", "municipal", ["28.09.40"], "plads i dagtilbud", "a place in day care", {}),
    DENTAL_READ: ("read", "municipal", ["29.15"], "tandpleje", "dental care", {}),
    SCHOOL_ACT: ("act", "municipal", ["17.20.07"], "skift af skole", "a change of school", {}),
    JOB_CONTACT: (
        "contact", "municipal", ["15.20"], "vej til arbejde", "the way to a job", {"representativeMinimumAge": 18}),
    WASTE_ACT: ("act", "municipal", ["07.18"], "husstandens affald", "household waste", {}),
    BUILDING_READ: ("read", "municipal", ["02.34.02"], "tilladelse til at bygge", "permission to build", {}),
    PENSION_ACT: ("act", "national", ["32.03"], "pension", "pensions", {"maxValidityDays": 1826}),
    PENSION_READ: ("read", "national", ["32.03"], "pension", "pensions", {}),
    RENT_ACT: ("act", "national", ["32.06"], "støtte til husleje", "help with rent", {"representativeMinimumAge": 18}),
    ARCHIVE_READ: (
        "read", "itSystem", ["27.42"], "arkiv over plejeboliger", "the archive of care housing", {"itSystem": ARCHIVE}),
    RETIRED_ACT: ("act", "national", ["27.60"], "en udgået pakke", "a retired package", {"successor": AIDS_ACT}),
}

KINDS = {
    "act": ("at handle", "handle", "to act", "act"),
    "contact": ("at kontakte kommunen", "kontakte myndigheden", "to make contact", "contact the authority"),
    "read": ("at læse med", "læse med", "to read", "read along"),
}

# code: (name, [(system, packages)]). Morsø has activated nothing yet.
MUNICIPALITIES = {
    "0101": ("København", [(SKOVLY, CARE), (HAVBLIK, FAMILY + TOWN)]),
    "0147": ("Frederiksberg", [(SKOVLY, CARE), (HAVBLIK, FAMILY)]),
    "0265": ("Roskilde", [(NORDLYS, CARE), (HAVBLIK, TOWN)]),
    "0330": ("Slagelse", [(NORDLYS, CARE)]),
    "0400": ("Bornholm", [(HAVBLIK, AIDS)]),
    "0461": ("Odense", [(SKOVLY, CARE), (HAVBLIK, FAMILY + TOWN)]),
    "0561": ("Esbjerg", [(NORDLYS, CARE), (SKOVLY, CARE)]),
    "0621": ("Kolding", [(NORDLYS, CARE), (HAVBLIK, FAMILY)]),
    "0630": ("Vejle", [(SKOVLY, CARE), (HAVBLIK, TOWN)]),
    "0657": ("Herning", [(SKOVLY, AIDS), (HAVBLIK, FAMILY)]),
    "0740": ("Silkeborg", [(HAVBLIK, CARE)]),
    "0751": ("Aarhus", [(SKOVLY, CARE), (HAVBLIK, FAMILY + TOWN)]),
    "0773": ("Morsø", []),
    "0791": ("Viborg", [(HAVBLIK, CARE)]),
    "0851": ("Aalborg", [(SKOVLY, CARE), (HAVBLIK, FAMILY + TOWN)]),
}
NORDLYS_MUNICIPALITIES = ["0265", "0330", "0561", "0621"]
CHRISTIANSOE = "0411"  # no municipality, but people live there


def cvr_of(municipality: str) -> str:
    return example_cvr(20 + sorted(MUNICIPALITIES).index(municipality))


def source_of(municipality: str) -> str:
    """The citizen service of a municipality, as the source of a command."""
    return f"urn:dk:cvr:{cvr_of(municipality)}:citizen-service-example"


def package_definition(package: str, today) -> dict:
    kind, scope, kle, danish, english, more = PACKAGES[package]
    da_noun, da_verb, en_noun, en_verb = KINDS[kind]
    data = {
        "id": package,
        "version": 1,
        "title": {
            "da": f"Eksempel: {danish} – fuldmagt til {da_noun}",
            "en": f"Example: {english} – power of attorney {en_noun}",
        },
        "wording": {
            "da": f"Eksempel på en tekst: Jeg giver fuldmagtshaver lov til at {da_verb} for mig i sager om {danish},"
            " indtil slutdatoen. Jeg kan tilbagekalde fuldmagten når som helst.",
            "en": f"Example of a wording: I allow the representative to {en_verb} for me in matters of {english}"
            " until the end date. I may revoke this at any time.",
        },
        "kind": kind,
        "scope": scope,
        "kle": kle,
        **more,
    }
    if package == RETIRED_ACT:
        data["retired"] = str(today - timedelta(days=90))
    return data


def definitions(today):
    """What the catalogue says in the morning: (id, type, data) in the order in which it is told."""
    for source, name, roles in (
        (REGISTER, "Example register", ["move"]),
        (PORTAL, "Example self-service", ["grant", "exemption"]),
        (ADMINISTRATION, "Example catalogue administration", ["catalogue"]),
    ):
        cvr = source.split(":")[3]
        yield f"cat-authority-{cvr}", "authority.define", authority(cvr, name, "national.example", roles)
    for code, (name, _) in sorted(MUNICIPALITIES.items()):
        data = authority(
            cvr_of(code), f"{name} Kommune (eksempel)", f"municipality-{code}.example", ["grant", "exemption"])
        yield f"cat-authority-{code}", "authority.define", {**data, "municipality": code}
    for system, name, supplier, supplier_name in SYSTEMS:
        yield (
            f"cat-itsystem-{system.rsplit(':', 1)[1]}",
            "itsystem.define",
            {"id": system, "name": name, "supplier": {"cvr": example_cvr(supplier), "name": supplier_name}},
        )
    for package in PACKAGES:
        yield f"cat-package-{package}", "package.define", package_definition(package, today)
    for code, (_, offers) in sorted(MUNICIPALITIES.items()):
        for system, packages in offers:
            for package in packages:
                yield (
                    f"cat-activation-{code}-{package}-{system.rsplit(':', 1)[1]}",
                    "activation.set",
                    activation(code, package, system, today),
                )


def activation(code: str, package: str, system: str, today) -> dict:
    return {
        "municipality": code, "package": package, "itSystem": system, "from": str(today - timedelta(days=400)),
    }


def authority(cvr: str, name: str, host: str, roles: list) -> dict:
    return {
        "cvr": cvr,
        "name": name,
        "contact": {"name": "Citizen service (example)", "phone": "00 00 00 00", "url": f"https://{host}"},
        "roles": roles,
    }
