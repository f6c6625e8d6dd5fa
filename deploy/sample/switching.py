"""A municipality switches supplier: jobs that load its residents and their grants as registers deliver them, and the job
that makes the switch. Registers are in ISO-8859-1 with three-digit municipality codes and Danish dates, and have faults."""

from datetime import timedelta

from catalogue import ADMINISTRATION, AIDS_ACT, HOME_ACT, HOME_CONTACT, MEALS_ACT, NORDLYS, REGISTER, SKOVLY, source_of
from parties import People

MUNICIPALITY = "0330"
RESIDENTS = 400
HELPERS = 60

# What the old system calls its rights (made up).
PRIVILEGES = {
    "NC-HJÆLPEMIDLER-HANDL": AIDS_ACT,
    "NC-HJEMMEHJÆLP-HANDL": HOME_ACT,
    "NC-HJEMMEHJÆLP-KONTAKT": HOME_CONTACT,
    "NC-MAD-HANDL": MEALS_ACT,
}


def danish(day) -> str:
    return day.strftime("%d-%m-%Y")


def hyphened(person) -> str:
    return f"{person.cpr[:6]}-{person.cpr[6:]}"


def rows(lines: list[list[str]], encoding: str) -> bytes:
    return "".join(";".join(line) + "\r\n" for line in lines).encode(encoding)


def mapping(name: str, entries: dict[str, str]) -> str:
    return f"{name}:\n" + "".join(f'  "{key}": "{value}"\n' for key, value in entries.items())


def job_file(about: str, job: str, source: str, kind: str, input: str, *mappings: str, encoding: str = "utf-8") -> bytes:
    head = f"# {about}\njob: {job}\nsource: {source}\nkind: {kind}\ninput: {input}\nencoding: {encoding}\n"
    return (head + "".join(mappings)).encode()


def files(people: People, today) -> dict[str, bytes]:
    """Every file of the switch by its path below the output directory."""
    residents = [people.elder() for _ in range(RESIDENTS)]
    helpers = [people.adult() for _ in range(HELPERS)]
    register = [["Personnummer", "Kommune", "Tilflytning", "Bemærkning"]]
    for at, person in enumerate(residents):
        code = "461" if at % 10 == 9 else MUNICIPALITY[1:]
        register.append([hyphened(person), code, danish(today - timedelta(days=2000 + at)), "på plads"])
    register.append([hyphened(residents[0]), "999", danish(today), "ukendt kommune"])
    register.append(["0000", MUNICIPALITY[1:], danish(today), "intet personnummer"])

    names = list(PRIVILEGES)
    system = [["Giver", "Modtager", "Rettigheder", "Gyldig til"]]
    until = danish(today + timedelta(days=730))
    for at, person in enumerate(residents):
        if at % 10 == 9:
            continue
        rights = names[at % 4] if at % 3 else f"{names[at % 4]},{names[(at + 1) % 4]}"
        system.append([hyphened(person), hyphened(helpers[at % HELPERS]), f'"{rights}"', until])
    system.append([hyphened(residents[1]), hyphened(helpers[5]), "NC-UKENDT", until])
    system.append([hyphened(residents[2]), hyphened(helpers[6]), names[0], "31-02-2027"])
    system.append([hyphened(residents[3]), f'"{hyphened(helpers[7])}', names[0], until])

    switch = [["Kommune", "Gammelt system", "Nyt system", "Fra dato"]]
    switch.append([MUNICIPALITY[1:], NORDLYS, SKOVLY, danish(today)])
    return {
        "switch/residents.csv": rows(register, "iso-8859-1"),
        "switch/residents.yaml": job_file(
            "Who lives in Slagelse, as the register delivers it (example).", "residents-slagelse", REGISTER, "moves",
            "residents.csv",
            mapping("columns", {"citizen": "Personnummer", "to": "Kommune", "effective": "Tilflytning"}),
            encoding="iso-8859-1"),
        "switch/grants.csv": rows(system, "iso-8859-1"),
        "switch/grants.yaml": job_file(
            "Grants that the old system keeps (example).", "grants-slagelse", source_of(MUNICIPALITY), "grants",
            "grants.csv",
            mapping("columns", {
                "grantor": "Giver", "representative": "Modtager", "packages": "Rettigheder", "validUntil": "Gyldig til"}),
            mapping("defaults", {"channel": "digital"}), mapping("privileges", PRIVILEGES), encoding="iso-8859-1"),
        "switch/switch.csv": rows(switch, "utf-8"),
        "switch/switch.yaml": job_file(
            "Slagelse goes over from Nordlys Care to Skovly Home (example).", "switch-slagelse", ADMINISTRATION,
            "supplier-switch", "switch.csv",
            mapping("columns", {
                "municipality": "Kommune", "oldItSystem": "Gammelt system", "newItSystem": "Nyt system",
                "from": "Fra dato"})),
    }
