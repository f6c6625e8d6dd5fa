#!/usr/bin/env python3
"""Publishes a grant.issue, waits for its outcome, and shows the notifications about it. Needs confluent-kafka.

CPR numbers come by the variables GRANTOR and REPRESENTATIVE, or with --stdin as two lines. As arguments they can be
read in the list of processes, so those are for test persons, who are meant where nothing is said.
"""

import argparse
import json
import os
import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition


def publish(brokers: str, source: str, id: str, type: str, key: str, topic: str, data: dict) -> None:
    """Returns once the broker has the record. After any failure, publish again with the same id."""
    producer = Producer({
        "bootstrap.servers": brokers, "acks": "all", "enable.idempotence": True, "partitioner": "murmur2_random"})
    failures = []
    producer.produce(
        topic, key=key, value=json.dumps(data), on_delivery=lambda error, _: error and failures.append(error),
        headers={
            "ce_specversion": "1.0", "ce_id": id, "ce_type": f"dk.fuldmagt.{type}.v1", "ce_source": source,
            "content-type": "application/json"})
    if producer.flush(30) or failures:
        raise SystemExit(f"not delivered: {failures or 'no answer within 30 s'}")


def follow(brokers: str, topic: str, seconds: float):
    """Records of all partitions from the beginning, until there is nothing new for so long."""
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": f"example-{uuid.uuid4()}", "enable.auto.commit": False,
        "isolation.level": "read_committed"})
    try:
        partitions = consumer.list_topics(topic, 30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            record = consumer.poll(0.2)
            if record is None:
                continue
            if record.error():
                if record.error().code() == KafkaError._PARTITION_EOF:
                    continue
                raise SystemExit(str(record.error()))
            yield record
    finally:
        consumer.close()


def outcome_of(brokers: str, source: str, id: str, seconds: float) -> dict:
    """The final outcome. Ids are unique for each source only, so the source is compared too."""
    is_parked = False
    for record in follow(brokers, "fuldmagt.outcomes", seconds):
        if record.key() == id.encode():
            outcome = json.loads(record.value())
            if outcome["command"]["source"] != source:
                continue
            if outcome["status"] != "parked":
                return outcome
            is_parked = True
    if is_parked:
        raise SystemExit(f"parked, and not decided within {seconds} s: the final outcome is still to come")
    raise SystemExit(
        f"no outcome within {seconds} s: is a worker running? A record that became a dead letter, as with an invalid"
        " CPR number, never gets one; an operator sees it by: fuldmagt dead-letters list")


def notifications(brokers: str, grants: set[str], seconds: float) -> dict[str, dict]:
    """What is to be said, by notification id: a repeat replaces itself, a cancelled one is taken out."""
    found: dict[str, dict] = {}
    for record in follow(brokers, "fuldmagt.notifications", seconds):
        told = json.loads(record.value())
        if told.get("grant") not in grants:
            continue
        if told["kind"] == "cancelled":
            found.pop(told["id"], None)
        else:
            found[told["id"]] = told
        if len(found) >= 2 * len(grants):
            break
    return found


def parties(arguments: argparse.Namespace) -> tuple[str, str]:
    """Grantor and representative."""
    if arguments.stdin:
        lines = [line.strip() for line in sys.stdin if line.strip()]
        if len(lines) != 2:
            raise SystemExit("--stdin: two lines are expected, the grantor's number and the representative's")
        return lines[0], lines[1]
    return arguments.grantor, arguments.representative


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", default="127.0.0.1:9092")
    parser.add_argument("--source", default="urn:dk:cvr:99000015:python-example", help="who answers for the command")
    parser.add_argument("--grantor", default=os.environ.get("GRANTOR", "6101500014"), help="test persons only")
    parser.add_argument("--representative", default=os.environ.get("REPRESENTATIVE", "6202800015"))
    parser.add_argument("--stdin", action="store_true", help="read both CPR numbers from standard input")
    parser.add_argument("--package", default="example")
    parser.add_argument("--until", default="2035-01-01", help="the grant's last day")
    parser.add_argument("--seconds", type=float, default=30, help="how long to wait for an answer")
    arguments = parser.parse_args()
    grantor, representative = parties(arguments)
    id = f"python-{uuid.uuid4()}"
    publish(
        arguments.brokers, arguments.source, id, "grant.issue", grantor, "fuldmagt.commands.grant",
        {
            "grantor": {"cpr": grantor}, "representative": {"cpr": representative},
            "packages": [arguments.package], "validUntil": arguments.until, "channel": "digital"})
    outcome = outcome_of(arguments.brokers, arguments.source, id, arguments.seconds)
    print("outcome      ", json.dumps(outcome, ensure_ascii=False))
    if outcome["status"] != "accepted":
        return 1
    grants = {grant["id"] for grant in outcome["grants"]}
    for told in notifications(arguments.brokers, grants, arguments.seconds).values():
        print("notification ", json.dumps(told, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
