import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Publishes a grant.issue, waits for its outcome, and shows the notifications about it. */
public final class FuldmagtClient {
    public static void main(String[] arguments) throws Exception {
        String brokers = arguments.length > 0 ? arguments[0] : "127.0.0.1:9092";
        String grantor = "6101500014";
        String source = "urn:dk:cvr:99000015:java-example";
        String id = "java-" + UUID.randomUUID();
        String data =
                """
                {"grantor":{"cpr":"%s"},"representative":{"cpr":"6202800015"},"packages":["example"],
                 "validUntil":"2035-01-01","channel":"digital"}
                """.formatted(grantor);

        // 1. Publish. Java's partitioner is the one the workers expect.
        try (var producer = new KafkaProducer<>(
                Map.<String, Object>of("bootstrap.servers", brokers, "acks", "all", "enable.idempotence", true),
                new StringSerializer(), new StringSerializer())) {
            var record = new ProducerRecord<>("fuldmagt.commands.grant", grantor, data);
            header(record, "ce_specversion", "1.0");
            header(record, "ce_id", id);
            header(record, "ce_type", "dk.fuldmagt.grant.issue.v1");
            header(record, "ce_source", source);
            header(record, "content-type", "application/json");
            producer.send(record).get();
        }

        // 2. The outcome has the command's id as its key. Another source may have used that id too, so the source is
        // compared; and what is parked is not decided yet: a final outcome follows. A real client reads the JSON with a
        // library.
        String outcome = first(brokers, "fuldmagt.outcomes", record -> id.equals(record.key())
                        && record.value().contains("\"source\":\"" + source + "\"")
                        && !record.value().contains("\"status\":\"parked\""), 1).stream()
                .findFirst().orElseThrow(() -> new IllegalStateException(
                        "no final outcome within 30 s: is a worker running, or is it parked? A record that became a dead"
                                + " letter, as with an invalid CPR number, never gets one; an operator sees it by:"
                                + " fuldmagt dead-letters list"));
        System.out.println("outcome       " + outcome);

        // 3. Notifications name the grant.
        int at = outcome.indexOf("\"grants\":[{\"id\":\"");
        if (at < 0) return;
        String grant = outcome.substring(at + 17, at + 17 + 36);
        for (String told : first(brokers, "fuldmagt.notifications", record -> record.value().contains(grant), 2)) {
            System.out.println("notification  " + told);
        }
    }

    private static void header(ProducerRecord<String, String> record, String name, String value) {
        record.headers().add(name, value.getBytes(StandardCharsets.UTF_8));
    }

    /** The first records of a topic that are meant, within 30 seconds. */
    private static List<String> first(
            String brokers, String topic, java.util.function.Predicate<ConsumerRecord<String, String>> isMeant, int count) {
        try (var consumer = new KafkaConsumer<>(
                Map.<String, Object>of("bootstrap.servers", brokers, "isolation.level", "read_committed"),
                new StringDeserializer(), new StringDeserializer())) {
            var partitions = consumer.partitionsFor(topic).stream()
                    .map(partition -> new TopicPartition(topic, partition.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            var found = new java.util.ArrayList<String>();
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (found.size() < count && System.nanoTime() < deadline) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    if (isMeant.test(record)) found.add(record.value());
                }
            }
            return found;
        }
    }
}
