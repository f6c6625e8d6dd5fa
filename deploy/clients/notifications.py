#!/usr/bin/env python3
"""A consumer of notifications of your own: each is sent under its id, again after any doubt, and told to the workers.

Keeps a ledger (SQLite): positions stand beside what was read up to them, in one transaction, and an id is fixed before
it is sent. Killed anywhere and started again, it sends what was not noted once more under the same id, which is what
your transport has to recognise. `send` is where your transport goes; here it prints. Needs confluent-kafka.

It tells the workers `submitted` and nothing later, and from then on they wait for what the transport says. Digital Post
is sent once more, by letter, after 24 hours (FULDMAGT_RECEIPT_SUBMITTED_HOURS); a letter is a caseworker's task after
168 (FULDMAGT_RECEIPT_LETTER_SUBMITTED_HOURS). So write what the transport says later, as --later does. Where it says
nothing, set both to 0, which is for ever, on every worker.
"""

import argparse
import hashlib
import json
import sqlite3
import sys
import time
from datetime import datetime, timezone

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

TOPIC = "fuldmagt.notifications"
STATUSES = ["submitted", "accepted", "delivered", "failed", "returned"]
SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS positions (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notifications (
    id TEXT PRIMARY KEY, key BLOB NOT NULL, shard INTEGER NOT NULL, state TEXT NOT NULL, data TEXT);
"""


def send(notification: dict) -> None:
    """Your transport. Called again with the same id after a death: that must be harmless. Log no numbers of people."""
    print(f"sent {notification['id']} {notification['kind']}: {notification['title']}")


def take(ledger: sqlite3.Connection, channel: str, record) -> None:
    """A later record of an id withdraws it (`cancelled`), or routes it to the other channel: only if it is unsent."""
    told = json.loads(record.value())
    headers = dict(record.headers() or [])
    known = ledger.execute("SELECT state FROM notifications WHERE id = ?", (told["id"],)).fetchone()
    if told["kind"] == "cancelled" or told["channel"] != channel:
        ledger.execute(
            "UPDATE notifications SET state = 'withdrawn', data = NULL WHERE id = ? AND state IN ('queued', 'fixed')",
            (told["id"],))
    elif known is None:
        ledger.execute(
            "INSERT INTO notifications VALUES (?, ?, ?, 'queued', ?)",
            (told["id"], record.key(), int(headers["fm_shard"]), record.value().decode()))


def read_to_end(consumer: Consumer, ledger: sqlite3.Connection, channel: str, partitions: list[int]) -> None:
    """Everything that is visible now, before anything is sent: a withdrawal may be among it."""
    for partition in partitions:
        _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), timeout=30)
        row = ledger.execute("SELECT next FROM positions WHERE partition = ?", (partition,)).fetchone()
        position = row[0] if row else 0
        consumer.assign([TopicPartition(TOPIC, partition, position)])
        while position < end:
            record = consumer.poll(0.5)
            if record is not None and record.error():
                raise KafkaException(record.error())
            with ledger:
                if record is not None:
                    take(ledger, channel, record)
                    position = record.offset() + 1
                # Markers of transactions are not handed out, but counted.
                reached = consumer.position([TopicPartition(TOPIC, partition)])[0].offset
                position = max(position, reached)
                ledger.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (partition, position))


def open_ledger(path: str, channel: str) -> sqlite3.Connection:
    """A ledger is one channel's: what it has read past of the other's it would never send."""
    ledger = sqlite3.connect(path)
    ledger.execute("PRAGMA synchronous = FULL")
    ledger.executescript(SCHEMA)
    with ledger:
        ledger.execute("INSERT OR IGNORE INTO meta VALUES ('channel', ?)", (channel,))
    found = ledger.execute("SELECT value FROM meta WHERE name = 'channel'").fetchone()[0]
    if found != channel:
        raise SystemExit(f"--ledger: {path} is the ledger of {found}, not of {channel}; name another file")
    return ledger


def tell(producer: Producer, source: str, channel: str, row: tuple, status: str = "submitted") -> None:
    """A receipt: to the partition that fm_shard names, with the notification's key."""
    id, key, shard = row
    unique = hashlib.sha256(id.encode()).hexdigest()[:32]
    at = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    producer.produce(
        "fuldmagt.receipts", key=key, partition=shard,
        value=json.dumps({"notification": id, "transport": channel, "status": status, "at": at}),
        headers={
            "ce_specversion": "1.0", "ce_id": f"{id}/{channel}/{status}/{unique}",
            "ce_type": "dk.fuldmagt.receipt.v1", "ce_source": source, "content-type": "application/json"})


def tell_later(producer: Producer, ledger: sqlite3.Connection, source: str, channel: str, id: str, status: str) -> None:
    """What the transport says later of a notification that was sent: `delivered`, say, or `failed`."""
    row = ledger.execute("SELECT id, key, shard FROM notifications WHERE id = ? AND state = 'told'", (id,)).fetchone()
    if row is None:
        raise SystemExit(f"the ledger has not sent {id}")
    tell(producer, source, channel, row, status)
    if producer.flush(60):
        raise SystemExit("the receipt was not acknowledged within 60 s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--channel", choices=["digital-post", "letter"], default="digital-post")
    parser.add_argument("--ledger", default="notifications.sqlite")
    parser.add_argument("--source", default="urn:dk:cvr:99000015:python-example", help="who answers for the receipts")
    parser.add_argument("--follow", action="store_true", help="go on with what is still to come")
    parser.add_argument("--later", nargs=2, metavar=("ID", "STATUS"), help="tell what became of one, and end")
    options = parser.parse_args()
    if options.later and options.later[1] not in STATUSES:
        parser.error(f"--later: the status is one of {', '.join(STATUSES)}")
    ledger = open_ledger(options.ledger, options.channel)
    producer = Producer({"bootstrap.servers": options.brokers, "acks": "all", "enable.idempotence": True})
    if options.later:
        tell_later(producer, ledger, options.source, options.channel, *options.later)
        return 0
    consumer = Consumer({
        "bootstrap.servers": options.brokers, "group.id": "unused", "enable.auto.commit": False,
        "isolation.level": "read_committed", "auto.offset.reset": "earliest"})
    partitions = sorted(consumer.list_topics(TOPIC, 30).topics[TOPIC].partitions)
    while True:
        read_to_end(consumer, ledger, options.channel, partitions)
        with ledger:  # the id is fixed, durably, before it is sent
            ledger.execute(
                "UPDATE notifications SET state = 'fixed' WHERE id IN"
                " (SELECT id FROM notifications WHERE state = 'queued' LIMIT 50)")
        chunk = ledger.execute("SELECT id, data FROM notifications WHERE state = 'fixed'").fetchall()
        for _, data in chunk:
            send(json.loads(data))
        with ledger:
            ledger.executemany(
                "UPDATE notifications SET state = 'sent', data = NULL WHERE id = ?", [(id,) for id, _ in chunk])
        untold = ledger.execute("SELECT id, key, shard FROM notifications WHERE state = 'sent'").fetchall()
        for row in untold:
            tell(producer, options.source, options.channel, row)
        if producer.flush(60):
            raise SystemExit("receipts were not acknowledged within 60 s")
        with ledger:
            ledger.executemany("UPDATE notifications SET state = 'told' WHERE id = ?", [(row[0],) for row in untold])
        if not chunk and not untold:
            if not options.follow:
                return 0
            time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
