#ifndef FULDMAGT_CRDKAFKA_SHIM_H
#define FULDMAGT_CRDKAFKA_SHIM_H
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

/* Swift cannot call C variadics. Takes `headers` over when it succeeds; copies key and value. */
static inline rd_kafka_resp_err_t fm_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition,
                                             const void *key, size_t key_length, const void *value,
                                             size_t value_length, int64_t timestamp, rd_kafka_headers_t *headers) {
    return rd_kafka_producev(client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY((void *)key, key_length),
                             RD_KAFKA_V_VALUE((void *)value, value_length), RD_KAFKA_V_TIMESTAMP(timestamp),
                             RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
}
#endif
