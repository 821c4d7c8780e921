"""kafka-python: the client in Python alone, its groups and its administration."""

import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic

from report import BOOTSTRAP, check, fresh, same, values

SERVERS = BOOTSTRAP.split(",")
PATIENCE_MS = 30_000
admin = KafkaAdminClient(bootstrap_servers=SERVERS)


def topic(name, partitions=3):
    name = fresh(name)
    admin.create_topics([NewTopic(name, partitions, 3)])
    return name


def produce(topic, messages, **config):
    producer = KafkaProducer(bootstrap_servers=SERVERS, acks="all", linger_ms=5, **config)
    sent = [producer.send(topic, value, key=b"%d" % i, headers=[("n", b"%d" % i)]) for i, value in enumerate(messages)]
    producer.flush(30)
    for future in sent:
        future.get(30)
    producer.close()


def consume(topic, count, group=None):
    consumer = KafkaConsumer(topic, bootstrap_servers=SERVERS, group_id=group, auto_offset_reset="earliest",
                             enable_auto_commit=False, consumer_timeout_ms=PATIENCE_MS)
    got = []
    for message in consumer:
        got.append(message)
        if len(got) == count:
            break
    if group:
        consumer.commit()
    consumer.close()
    same(len(got), count)
    return got


@check("producer, every codec, keys and headers")
def _():
    for codec in [None, "gzip", "snappy", "lz4", "zstd"]:
        name, sent = topic(f"kp-{codec}"), values(1000)
        produce(name, sent, compression_type=codec)
        got = consume(name, len(sent))
        same(sorted(m.value for m in got), sent)
        for m in got:
            same(m.headers, [("n", m.key)])


@check("consumer group goes on where it was committed")
def _():
    name, group = topic("kp-group"), fresh("g")
    produce(name, values(300))
    same(sorted(m.value for m in consume(name, 300, group)), values(300))
    produce(name, [b"new"])
    same([m.value for m in consume(name, 1, group)], [b"new"])


@check("seek, offsets by time, end offsets")
def _():
    name = topic("kp-offsets", 1)
    produce(name, values(50))
    partition = TopicPartition(name, 0)
    consumer = KafkaConsumer(bootstrap_servers=SERVERS, consumer_timeout_ms=PATIENCE_MS)
    consumer.assign([partition])
    same(consumer.end_offsets([partition]), {partition: 50})
    same(consumer.beginning_offsets([partition]), {partition: 0})
    same(consumer.offsets_for_times({partition: 0})[partition].offset, 0)
    consumer.seek(partition, 45)
    same([next(consumer).value for _ in range(5)], values(50)[45:])
    consumer.close()


@check("admin: topics, partitions, configs, groups")
def _():
    name, group = topic("kp-admin", 2), fresh("g")
    admin.create_partitions({name: NewPartitions(5)})
    end = time.time() + 30
    while len(admin.describe_topics([name])[0]["partitions"]) != 5 and time.time() < end:
        time.sleep(0.1)
    same(len(admin.describe_topics([name])[0]["partitions"]), 5)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs={"retention.ms": "1234567"})])
    same("1234567" in str(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])), True)
    produce(name, values(10))
    consume(name, 10, group)
    same(group in str(admin.list_groups()), True)
    same(sum(o.offset for o in admin.list_group_offsets(group)[group].values() if o.offset >= 0) if hasattr(admin, "list_group_offsets") else 10, 10)
    admin.delete_groups([group])
    admin.delete_topics([name])


@check("transactions: commit, abort, read_committed")
def _():
    name = topic("kp-txn", 1)
    producer = KafkaProducer(bootstrap_servers=SERVERS, transactional_id=fresh("t"))
    producer.init_transactions()
    for commit in True, False, True:
        producer.begin_transaction()
        for i in range(10):
            producer.send(name, b"%s-%d" % (str(commit).encode(), i))
        producer.commit_transaction() if commit else producer.abort_transaction()
    producer.close()
    consumer = KafkaConsumer(name, bootstrap_servers=SERVERS, auto_offset_reset="earliest", consumer_timeout_ms=5000,
                             isolation_level="read_committed", group_id=None)
    same([m.value for m in consumer], [b"True-%d" % i for i in range(10)] * 2)
    consumer.close()
