#!/usr/bin/env bash
# Publishes a grant.issue, waits for its outcome, and shows the notifications about it: with kcat alone.
#
# CPR numbers come by variables and go on by pipes: what stands in arguments can be read in the list of processes.
set -euo pipefail
brokers="${BROKERS:-127.0.0.1:9092}"
grantor="${GRANTOR:-6101500014}"
representative="${REPRESENTATIVE:-6202800015}"
package="${PACKAGE:-example}"
source="${SOURCE:-urn:dk:cvr:99000015:kcat-example}"
id="kcat-$(date +%s)-$$"

data="{\"grantor\":{\"cpr\":\"$grantor\"},\"representative\":{\"cpr\":\"$representative\"},\"packages\":[\"$package\"],"
data+="\"validUntil\":\"${UNTIL:-2035-01-01}\",\"channel\":\"digital\"}"

# 1. Publish. The key decides the partition, by Java's partitioner. It stands before the first colon.
printf '%s:%s' "$grantor" "$data" | kcat -P -b "$brokers" -t fuldmagt.commands.grant -K : \
    -X partitioner=murmur2_random -X acks=all -X enable.idempotence=true \
    -H ce_specversion=1.0 -H ce_id="$id" -H ce_type=dk.fuldmagt.grant.issue.v1 -H ce_source="$source" \
    -H content-type=application/json

# read_all TOPIC: all committed records, key and value on a line.
read_all() { kcat -C -b "$brokers" -t "$1" -e -q -X isolation.level=read_committed -f '%k\t%s\n'; }

# 2. The outcome has the command's id as its key. Another source may have used that id too, so the source is compared;
# and what is parked is not decided yet: a final outcome follows. A real client reads the JSON with a library.
answers() {
    read_all fuldmagt.outcomes | ID="$id" SOURCE="$source" awk -F '\t' '
        $1 == ENVIRON["ID"] && index($2, "\"source\":\"" ENVIRON["SOURCE"] "\"") { print $2 }'
}
outcome=""
for _ in $(seq 150); do
    all="$(answers)"
    outcome="$(grep -v -m 1 -F '"status":"parked"' <<<"$all" || true)"
    if [[ -n "$outcome" ]]; then break; fi
    sleep 0.2
done
if [[ -z "$outcome" && -n "$all" ]]; then
    echo "parked, and not decided within 30 s: the final outcome is still to come" >&2
    exit 1
elif [[ -z "$outcome" ]]; then
    echo "no outcome within 30 s: is a worker running? A record that became a dead letter, as with an invalid CPR" \
        "number, never gets one; an operator sees it by: fuldmagt dead-letters list" >&2
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
