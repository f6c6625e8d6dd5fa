"""Keeps the day's commands beside what the contract says they lead to.

Whoever tells a story states what each command comes to; the ledger counts the notifications that follow and refuses a
story whose outcome would depend on an order that nobody guarantees: order holds per citizen within one topic only, so
within one file a citizen stands in commands of one topic, and nobody's exemption changes in a file that also writes to
them for another's sake.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

import catalogue

TOPIC_OF = {
    "grant": "fuldmagt.commands.grant",
    "move": "fuldmagt.commands.move",
    "exemption": "fuldmagt.commands.exemption",
    "readaccess": "fuldmagt.commands.exemption",
    "mailbox": "fuldmagt.commands.exemption",
    "package": "fuldmagt.catalogue",
    "activation": "fuldmagt.catalogue",
    "itsystem": "fuldmagt.catalogue",
    "authority": "fuldmagt.catalogue",
}


@dataclass
class Notification:
    party: object
    kind: str
    channel: str
    is_withdrawn: bool = False


@dataclass
class Grant:
    grantor: object
    representative: object
    package: str
    state: str = "active"
    given_by: str = ""
    # The notifications about it so far; no receipt comes, so a revocation withdraws each of them.
    told: list = field(default_factory=list)

    @property
    def lives(self) -> bool:
        return self.state in ("active", "dormant")


@dataclass
class File:
    name: str
    events: list = field(default_factory=list)
    outcomes: int = 0
    dead_letters: int = 0
    notifications: int = 0
    duplicates: int = 0
    topics: dict = field(default_factory=dict)  # citizen's key: topic
    exemptions_changed: set = field(default_factory=set)
    written_to: set = field(default_factory=set)  # keys of representatives


class Ledger:
    def __init__(self, today: date):
        self.today = today
        self.files: list[File] = []
        self.expected: dict[str, dict] = {}
        self.dead_letters: list[dict] = []
        self.notifications: Counter = Counter()  # (kind, channel)
        self.offers: dict[str, dict[str, set]] = {}  # municipality: system: packages
        self.residence: dict[str, str] = {}
        self.told: list[Notification] = []
        self.exempt: set[str] = set()
        self.departed: set[str] = set()  # exempt because they left the country
        self.requests: dict[str, list[Grant]] = {}
        self.ended_by: dict[str, list[Grant]] = {}
        self.grants: list[Grant] = []
        self.sent: dict[str, dict] = {}
        self._numbers: Counter = Counter()
        self._clock = datetime(today.year, today.month, today.day, 7, tzinfo=timezone.utc)

    # Files and events

    @property
    def file(self) -> File:
        return self.files[-1]

    def start(self, name: str) -> None:
        self.files.append(File(name))

    def day(self, days: int) -> str:
        """A date, counted from today."""
        return str(self.today + timedelta(days=days))

    def name(self, what: str) -> str:
        """A command's id that tells what it is about: file number, story, running number."""
        prefix = self.file.name.rsplit("/", 1)[-1].split("-", 1)[0]
        stem = f"{prefix}-{what}"
        self._numbers[stem] += 1
        return f"{stem}-{self._numbers[stem]:02d}"

    def event(self, id: str, type: str, source: str, data: dict, job: str | None = None, version: str = "v1") -> dict:
        self._clock += timedelta(seconds=7)
        event = {
            "specversion": "1.0",
            "id": id,
            "type": f"dk.fuldmagt.{type}.{version}",
            "source": source,
            "time": self._clock.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "datacontenttype": "application/json",
        }
        if job:
            event["jobid"] = job
        event["data"] = data
        return event

    def send(self, event: dict) -> None:
        self.file.events.append(event)
        self.sent[event["id"]] = event

    def _command(self, what, type, citizen, source, data, job=None) -> str:
        id = self.name(what)
        self._stand(citizen, type)
        self.send(self.event(id, type, source, data, job))
        return id

    def _stand(self, citizen, type) -> None:
        topic = TOPIC_OF[type.split(".")[0]]
        if citizen is not None and self.file.topics.setdefault(citizen.key, topic) != topic:
            raise AssertionError(f"{self.file.name}: one citizen in commands of two topics")

    # What commands come to

    def accepted(self, id: str, grants: list[Grant] = ()) -> None:
        lines = sorted((g.package, g.state) for g in grants)
        self.expected[id] = {"status": "accepted", "grants": [{"package": p, "state": s} for p, s in lines]}
        self.file.outcomes += 1

    def rejected(self, id: str, reasons: list[tuple[str, str]]) -> None:
        self.expected[id] = {"status": "rejected", "reasons": [{"code": c, "field": f} for c, f in sorted(reasons)]}
        self.file.outcomes += 1

    def dead_lettered(self, id: str | None, reason: str) -> None:
        self.dead_letters.append({"file": self.file.name, "id": id, "reason": reason})
        self.file.dead_letters += 1

    def repeat(self, id: str) -> None:
        """The same command once more, byte for byte: no effect, no second outcome."""
        event = self.sent[id]
        citizen = event["data"].get("grantor") or event["data"].get("citizen")
        self._stand(_Key(citizen.get("cpr") or citizen.get("cvr")), event["type"].removeprefix("dk.fuldmagt."))
        self.file.events.append(event)
        self.file.duplicates += 1

    # Notifications

    def channel(self, party) -> str:
        return "letter" if party.key in self.exempt else "digital-post"

    def _tell_one(self, kind: str, party, channel: str) -> Notification:
        self._count(kind, channel)
        notification = Notification(party, kind, channel)
        self.told.append(notification)
        return notification

    def _count(self, kind: str, channel: str) -> None:
        self.notifications[kind, channel] += 1
        self.file.notifications += 1

    def _withdraw(self, notification: Notification) -> None:
        self._count("cancelled", notification.channel)
        notification.is_withdrawn = True

    def _tell_both(self, grant: Grant, kind: str, representative_kind: str | None = None) -> None:
        self.file.written_to.add(grant.representative.key)
        for party, its_kind in ((grant.grantor, kind), (grant.representative, representative_kind or kind)):
            grant.told.append(self._tell_one(its_kind, party, self.channel(party)))

    def _change_exemption(self, party, kind: str, exempt: bool) -> None:
        (self.exempt.add if exempt else self.exempt.remove)(party.key)
        self.file.exemptions_changed.add(party.key)
        if exempt:
            # No receipt says that any of it was sent: it is written again, as a letter.
            for told in self.told:
                if told.party.key == party.key and told.channel == "digital-post" and not told.is_withdrawn:
                    told.channel = "letter"
                    self._count(told.kind, told.channel)
        self._tell_one(kind, party, self.channel(party))

    # Commands that are accepted

    def offered(self, package: str, municipality: str | None) -> bool:
        if catalogue.PACKAGES[package][1] != "municipal":
            return True
        return any(package in packages for packages in self.offers.get(municipality, {}).values())

    def relocate(self, what, citizen, to, effective, dormant=(), awake=(), moves=True, **more) -> str:
        """A move; `dormant` and `awake` name the packages whose grants change, `moves` is false for one that is late or
        to come."""
        data = {"citizen": citizen.party, "to": to, "effective": self.day(effective)}
        job = more.pop("job", None)
        data.update(more)
        id = self._command(what, "move.relocate", citizen, catalogue.REGISTER, data, job)
        changed = []
        if moves:
            self.residence[citizen.key] = to
            changed = self._reconcile(citizen)
        assert sorted(g.package for g in changed if g.state == "dormant") == sorted(dormant), (id, changed)
        assert sorted(g.package for g in changed if g.state == "active") == sorted(awake), (id, changed)
        self.accepted(id, changed)
        return id

    def _reconcile(self, citizen) -> list[Grant]:
        changed = []
        for grant in self.grants:
            if grant.grantor is not citizen or not grant.lives:
                continue
            state = "active" if self.offered(grant.package, self.residence.get(citizen.key)) else "dormant"
            if state != grant.state:
                grant.state = state
                self._tell_both(grant, "grant-dormant" if state == "dormant" else "grant-awake")
                changed.append(grant)
        return changed

    def issue_data(self, grantor, representative, packages, channel="digital", until=730, **more) -> dict:
        data = {
            "grantor": grantor.party,
            "representative": representative.party,
            "packages": list(packages),
            "validUntil": self.day(until),
            "channel": channel,
        }
        if channel != "digital":
            data["evidence"] = evidence(self.day(-1), assisted=channel == "assisted")
        data.update(more)
        return data

    def source_for(self, grantor, channel: str) -> str:
        if channel == "digital" or grantor.key not in self.residence:
            return catalogue.PORTAL
        home = self.residence[grantor.key]
        return catalogue.source_of(home) if home in catalogue.MUNICIPALITIES else catalogue.PORTAL

    def issue(self, what, grantor, representative, packages, channel="digital", job=None, **more) -> str:
        for package in packages:
            assert self.offered(package, self.residence.get(grantor.key)), (what, package)
        data = self.issue_data(grantor, representative, packages, channel, **more)
        id = self._command(what, "grant.issue", grantor, self.source_for(grantor, channel), data, job)
        given = [Grant(grantor, representative, package, given_by=id) for package in packages]
        for grant in given:
            assert not self.living(grantor, representative, grant.package), (what, grant.package)
            self._tell_both(grant, "grant-given", "grant-received")
        self.grants += given
        self.accepted(id, given)
        return id

    def living(self, grantor, representative, package) -> Grant | None:
        for grant in self.grants:
            if (grant.grantor, grant.representative, grant.package) == (grantor, representative, package):
                if grant.lives:
                    return grant
        return None

    def revoke(self, what, grantor, representative, packages, by="grantor", **more) -> str:
        data = {
            "grantor": grantor.party, "representative": representative.party, "packages": list(packages), "by": by,
            **more,
        }
        source = self.source_for(grantor, "assisted") if by == "authority" else catalogue.PORTAL
        id = self._command(what, "grant.revoke", grantor, source, data)
        gone = []
        for package in packages:
            grant = self.living(grantor, representative, package)
            for notification in grant.told:
                self._withdraw(notification)
            grant.state = "revoked"
            self._tell_both(grant, "grant-revoked")
            gone.append(grant)
        self.accepted(id, gone)
        return id

    # Requests

    def request(self, what, grantor, representative, packages, until=730) -> str:
        data = {
            "grantor": grantor.party, "representative": representative.party, "packages": list(packages),
            "validUntil": self.day(until)}
        id = self._command(what, "grant.request", grantor, catalogue.PORTAL, data)
        asked = [Grant(grantor, representative, package, "requested") for package in packages]
        for grant in asked:
            self._tell_grantor(grant, "grant-requested")
        self.grants += asked
        self.requests[id] = asked
        self.accepted(id, asked)
        return id

    def _tell_grantor(self, grant: Grant, kind: str) -> None:
        grant.told.append(self._tell_one(kind, grant.grantor, self.channel(grant.grantor)))

    def _tell_representative(self, grant: Grant, kind: str) -> None:
        self.file.written_to.add(grant.representative.key)
        grant.told.append(self._tell_one(kind, grant.representative, self.channel(grant.representative)))

    def answer_data(self, grantor, request, channel="digital", **more) -> dict:
        data = {"grantor": grantor.party, "request": request, "channel": channel}
        if channel != "digital":
            data["evidence"] = evidence(self.day(-1), assisted=channel == "assisted")
        return {**data, **more}

    def approve(self, what, request, channel="digital") -> str:
        grants = self.requests.pop(request)
        grantor = grants[0].grantor
        id = self._command(
            what, "grant.approve", grantor, self.source_for(grantor, channel),
            self.answer_data(grantor, request, channel))
        for grant in grants:
            grant.state = "active"
            self._tell_both(grant, "grant-given", "grant-received")
        self.accepted(id, grants)
        return id

    def decline(self, what, request) -> str:
        grants = self.requests.pop(request)
        grantor = grants[0].grantor
        id = self._command(what, "grant.decline", grantor, catalogue.PORTAL, self.answer_data(grantor, request))
        for grant in grants:
            grant.state = "declined"
            self._tell_representative(grant, "grant-declined")
        self.accepted(id, grants)
        return id

    # Changes of a grant by its id, which only its outcome tells: whoever plays the day fills it in.

    def follow(self, what, type, grant_of, package, version, changes, reasons=(), source=None) -> str:
        """A renewal or correction of a grant that an earlier command gave."""
        grant = next(g for g in self.grants if g.package == package and g.given_by == grant_of)
        data = {
            "grantor": grant.grantor.party, "grant": {"command": grant_of, "package": package}, "version": version,
            **changes}
        id = self._command(what, type, grant.grantor, source or catalogue.PORTAL, data)
        if reasons:
            self.rejected(id, list(reasons))
            return id
        if "representative" in changes.get("changes", {}):
            self._end(grant, "revoked")
            self._tell_both(grant, "grant-revoked")
            to = changes["changes"].pop("representative")
            changes["changes"]["representative"] = to.party
            again = Grant(grant.grantor, to, package, given_by=id)
            self._tell_both(again, "grant-given", "grant-received")
            self.grants.append(again)
            self.accepted(id, [grant, again])
        else:
            self._tell_both(grant, "grant-renewed" if type == "grant.renew" else "grant-corrected")
            self.accepted(id, [grant])
        return id

    def _end(self, grant: Grant, state: str) -> None:
        for notification in grant.told:
            self._withdraw(notification)
        grant.state = state

    # Registers

    def abroad(self, what, citizen, effective, to=None, dormant=(), awake=()) -> str:
        """A move out of the country, or (with `to`) back into it."""
        data = {"citizen": citizen.party, "effective": self.day(effective)}
        data["to"] = to or "Example country"
        id = self._command(what, "move.immigrate" if to else "move.emigrate", citizen, catalogue.REGISTER, data)
        self.residence[citizen.key] = to
        if to and citizen.key in self.departed:
            self.departed.remove(citizen.key)
            self._change_exemption(citizen, "exemption-lifted", False)
        changed = self._reconcile(citizen)
        assert sorted(g.package for g in changed if g.state == "dormant") == sorted(dormant), (id, changed)
        assert sorted(g.package for g in changed if g.state == "active") == sorted(awake), (id, changed)
        self.accepted(id, changed)
        return id

    def decease(self, what, citizen, effective=-1) -> str:
        """Grants given and received end; the dead are not written to, but what was unsent is withdrawn."""
        data = {"citizen": citizen.party, "effective": self.day(effective)}
        id = self._command(what, "move.decease", citizen, catalogue.REGISTER, data)
        ended = []
        for grant in self.grants:
            if grant.grantor is citizen and (grant.lives or grant.state == "requested"):
                self._end(grant, "ended")
                self._tell_representative(grant, "grant-ended")
                ended.append(grant)
            elif grant.representative is citizen and grant.lives:
                self._end(grant, "ended")
                self._tell_grantor(grant, "grant-ended")
        self.ended_by[id] = ended
        self.accepted(id, ended)
        return id

    def alive_after_all(self, what, citizen, death) -> str:
        data = {"citizen": citizen.party, "journal": "EX-DEATH-0001", "diedByMistake": True}
        id = self._command(what, "move.correct", citizen, catalogue.REGISTER, data)
        for grant in self.ended_by.pop(death):
            self._tell_grantor(grant, "grant-ended")
        self.accepted(id)
        return id

    def renumber(self, what, citizen, new) -> str:
        """Everything follows the citizen to the new number; nobody is told, and the old number is still found."""
        data = {"citizen": citizen.party, "newCpr": new.cpr, "effective": self.day(-1)}
        id = self._command(what, "move.renumber", citizen, catalogue.REGISTER, data)
        for told in self.told:
            if told.party.key == citizen.key:
                told.party = new
        self.accepted(id)
        return id

    # Digital Post

    def by_mistake(self, what, citizen, municipality) -> str:
        data = {
            "citizen": citizen.party, "municipality": municipality, "journal": "EX-MISTAKE-0001",
            "caseworker": "example-caseworker-1", "registeredByMistake": True}
        id = self._command(what, "exemption.correct", citizen, catalogue.source_of(municipality), data)
        self._change_exemption(citizen, "exemption-lifted", False)
        self.accepted(id)
        return id

    def read_access(self, what, citizen, holder, ends=False) -> str:
        data = {"citizen": citizen.party, "holder": holder.party}
        type = "readaccess.withdraw" if ends else "readaccess.grant"
        id = self._command(what, type, citizen, catalogue.PORTAL, data)
        if not ends and citizen.key in self.exempt:
            self._change_exemption(citizen, "exemption-lifted", False)
        self.file.written_to.add(holder.key)
        for party in (citizen, holder):
            self._tell_one("readaccess-ended" if ends else "readaccess-given", party, self.channel(party))
        self.accepted(id)
        return id

    def enrol(self, what, citizen, reason="automatic") -> str:
        data = {"citizen": citizen.party, "reason": reason}
        id = self._command(what, "mailbox.enrol", citizen, catalogue.PORTAL, data)
        if reason == "voluntary" and citizen.key in self.exempt:
            self._change_exemption(citizen, "exemption-lifted", False)
        self.accepted(id)
        return id

    def register_data(self, citizen, municipality, **more) -> dict:
        data = {
            "citizen": citizen.party,
            "municipality": municipality,
            "form": "FD 001A" if len(citizen.key) == 10 else "FD 005",
            "journal": f"EX-{self.today.year}-{len(self.sent):05d}",
            "caseworker": "example-caseworker-1",
            "requestedBy": "citizen",
            "appearedInPerson": True,
        }
        data.update(more)
        return data

    def exempt_from_post(self, what, citizen, municipality, **more) -> str:
        job = more.pop("job", None)
        data = self.register_data(citizen, municipality, **more)
        id = self._command(what, "exemption.register", citizen, catalogue.source_of(municipality), data, job)
        self._change_exemption(citizen, "exemption-registered", True)
        if more.get("departure"):
            self.departed.add(citizen.key)
        self.accepted(id)
        return id

    def lift(self, what, citizen, by="citizen", municipality=None, **more) -> str:
        data = {"citizen": citizen.party, "by": by, **more}
        if municipality:
            data["municipality"] = municipality
        source = catalogue.source_of(municipality) if municipality else catalogue.PORTAL
        id = self._command(what, "exemption.lift", citizen, source, data)
        self._change_exemption(citizen, "exemption-lifted", False)
        self.accepted(id)
        return id

    def define(self, id, type, data) -> None:
        """A catalogue record that is right; its effects on grants follow at once."""
        self.send(self.event(id, type, catalogue.ADMINISTRATION, data))
        self.accepted(id)
        if type == "activation.set":
            offers = self.offers.setdefault(data["municipality"], {}).setdefault(data["itSystem"], set())
            ended = "until" in data and date.fromisoformat(data["until"]) < self.today
            (offers.discard if ended else offers.add)(data["package"])
            for citizen in {g.grantor.key: g.grantor for g in self.grants}.values():
                if self.residence.get(citizen.key) == data["municipality"]:
                    self._reconcile(citizen)

    # Commands that are wrong

    def refuse(self, what, type, citizen, source, data, reasons) -> str:
        id = self._command(what, type, citizen, source, data)
        self.rejected(id, reasons)
        return id

    def unreadable(self, what, type, citizen, source, data, reason, id=None, version="v1") -> None:
        id = id or self.name(what)
        if type.split(".")[0] in TOPIC_OF:
            self._stand(citizen, type)
        event = self.event(id, type, source, data, version=version)
        self.file.events.append(event)
        self.dead_lettered(id, reason)

    def finish(self) -> None:
        for file in self.files:
            clash = file.exemptions_changed & file.written_to
            if clash:
                raise AssertionError(f"{file.name}: an exemption changes while its citizen is written to")


@dataclass(frozen=True)
class _Key:
    key: str


def evidence(decided_on: str, assisted: bool) -> dict:
    found = {"journal": "EX-FORM-0001", "caseworker": "example-caseworker-2", "identification": "passport"}
    if assisted:
        found["assessment"] = {
            "possibilities": "Example: help with MitID was offered and considered.",
            "consequences": "Example: what the representative may do was explained.",
            "citizenPresent": True,
            "decidedOn": decided_on,
        }
    return found
