#!/usr/bin/env python3
"""Writes the example day: a catalogue, the commands of a day, and what a correct system answers.

The same date and seed give the same bytes. All persons are test persons; packages, suppliers, company numbers and
contact data are made up. See README.md beside this file for what the day tells.
"""

import argparse
import json
import sys
from collections import Counter
from datetime import date
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import story  # noqa: E402
import switching  # noqa: E402
from ledger import Ledger  # noqa: E402
from parties import People  # noqa: E402

COMMITTED_DAY = "2026-11-23"


def expectations(ledger: Ledger) -> dict:
    by_kind, by_channel, by_both = Counter(), Counter(), {}
    for (kind, channel), count in sorted(ledger.notifications.items()):
        by_kind[kind] += count
        by_channel[channel] += count
        by_both.setdefault(kind, {})[channel] = count
    # What must be there once all files up to this one are played and answered.
    total = Counter()
    files = []
    for file in ledger.files:
        if file.name == "raw":
            total["deadLetters"] += file.dead_letters
        else:
            total.update(
                outcomes=file.outcomes, deadLetters=file.dead_letters, notifications=file.notifications)
        files.append(
            {
                "file": file.name,
                "records": len(file.events) or file.dead_letters,
                "duplicates": file.duplicates,
                "after": {name: total[name] for name in ("outcomes", "deadLetters", "notifications")},
            })
    reasons = Counter(r["code"] for e in ledger.expected.values() for r in e.get("reasons", []))
    return {
        "today": str(ledger.today),
        "files": files,
        "notifications": {
            "total": sum(by_kind.values()),
            "byKind": dict(sorted(by_kind.items())),
            "byChannel": dict(sorted(by_channel.items())),
            "byKindAndChannel": by_both,
        },
        "statuses": dict(sorted(Counter(e["status"] for e in ledger.expected.values()).items())),
        "reasons": dict(sorted(reasons.items())),
        "deadLetters": ledger.dead_letters,
        "outcomes": ledger.expected,
    }


def one_entry_a_line(value: dict, wide: tuple = ("outcomes",)) -> str:
    """JSON for people: the long maps have one entry on each line."""
    parts = []
    for name, content in value.items():
        if name in wide and isinstance(content, dict):
            lines = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in content.items())
            text = "{\n" + lines + "\n  }"
        elif isinstance(content, list):
            text = "[\n" + ",\n".join(f"    {json.dumps(item)}" for item in content) + "\n  ]"
        else:
            text = json.dumps(content, indent=2).replace("\n", "\n  ")
        parts.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def generate(today: date, seed: int) -> dict[str, bytes]:
    """Every file of the sample by its path below the output directory."""
    ledger, people = Ledger(today), People(seed, today)
    story.tell(ledger, people)
    records = story.raw(ledger, people)
    written = {}
    for file in ledger.files:
        if file.name == "follow-ups.json":
            written[file.name] = one_entry_a_line({"events": file.events}).encode()
        elif file.events:
            lines = (json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n" for event in file.events)
            written[file.name] = "".join(lines).encode()
    manifest = []
    for record in records:
        value = record.pop("value")
        if value is not None:
            written[f"raw/{record['file']}"] = value
        manifest.append(record)
    written["raw/manifest.json"] = one_entry_a_line({"records": manifest}).encode()
    written.update(switching.files(people, today))
    written["expected.json"] = one_entry_a_line(expectations(ledger)).encode()
    return written


def write(files: dict[str, bytes], directory: Path) -> None:
    for stale in [*directory.glob("day/*.jsonl"), *directory.glob("raw/*")]:
        stale.unlink()
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--today", type=date.fromisoformat, default=date.fromisoformat(COMMITTED_DAY), metavar="YYYY-MM-DD",
        help=f"the day on which it will be played, in Copenhagen (default: {COMMITTED_DAY}, the committed sample)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other persons (default: 1)")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).resolve().parent, metavar="DIR",
        help="where to write (default: beside this program)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the files differ from what is there")
    arguments = parser.parse_args()

    files = generate(arguments.today, arguments.seed)
    if arguments.check:
        stale = [
            name for name, content in files.items()
            if not (arguments.output / name).is_file() or (arguments.output / name).read_bytes() != content]
        for name in stale:
            print(f"{arguments.output / name}: differs; run generate.py and commit", file=sys.stderr)
        return 1 if stale else 0
    write(files, arguments.output)
    expected = json.loads(files["expected.json"])
    commands = sum(f["records"] for f in expected["files"] if f["file"].startswith("day/"))
    print(
        f"{arguments.output}: {commands} commands for {arguments.today}, {expected['statuses']},"
        f" {len(expected['deadLetters'])} dead letters, {expected['notifications']['total']} notifications",
        file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
