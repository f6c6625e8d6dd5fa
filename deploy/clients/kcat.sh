#!/usr/bin/env bash
# Publishes a grant.issue, waits for its outcome, and shows the notifications about it: with kcat alone.
set -euo pipefail
brokers="${BROKERS:-127.0.0.1:9092}"
grantor="${GRANTOR:-6101500014}"
representative="${REPRESENTATIVE:-6202800015}"
package="${PACKAGE:-example}"
id="kcat-$(date +%s)-$$"

data="{\"grantor\":{\"cpr\":\"$grantor\"},\"representative\":{\"cpr\":\"$representative\"},\"packages\":[\"$package\"],"
data+="\"validUntil\":\"${UNTIL:-2035-01-01}\",\"channel\":\"digital\"}"

# 1. Publish. The key decides the partition, by Java's partitioner.
printf '%s' "$data" | kcat -P -b "$brokers" -t fuldmagt.commands.grant -k "$grantor" -X partitioner=murmur2_random \
    -X acks=all -X enable.idempotence=true -H ce_specversion=1.0 -H ce_id="$id" -H ce_type=dk.fuldmagt.grant.issue.v1 \
    -H ce_source="${SOURCE:-urn:dk:cvr:99000015:kcat-example}" -H content-type=application/json

# read_all TOPIC: all committed records, key and value on a line.
read_all() { kcat -C -b "$brokers" -t "$1" -e -q -X isolation.level=read_committed -f '%k\t%s\n'; }

# 2. The outcome has the command's id as its key.
outcome=""
for _ in $(seq 150); do
    outcome="$(read_all fuldmagt.outcomes | awk -F '\t' -v id="$id" '$1 == id { print $2 }')"
    if [[ -n "$outcome" ]]; then break; fi
    sleep 0.2
done
if [[ -z "$outcome" ]]; then
    echo "no outcome within 30 s: is a worker running?" >&2
    exit 1
fi
echo "outcome       $outcome"

# 3. Notifications name the grant.
grant="$(sed -n 's/.*"grants":\[{"id":"\([^"]*\)".*/\1/p' <<<"$outcome")"
if [[ -n "$grant" ]]; then
    for _ in $(seq 50); do
        told="$(read_all fuldmagt.notifications | cut -f 2 | grep -F "$grant" || true)"
        if [[ "$(wc -l <<<"$told")" -ge 2 ]]; then break; fi
        sleep 0.2
    done
    sed 's/^/notification  /' <<<"$told"
fi
