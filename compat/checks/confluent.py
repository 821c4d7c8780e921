"""confluent-kafka-python: librdkafka behind a producer, consumers of both group protocols, transactions and administration."""

import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition, ConsumerGroupTopicPartitions
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
                                   OffsetSpec, ResourceType)

from report import BOOTSTRAP, check, fresh, same, values

PATIENCE = 30
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def topic(name, partitions=3, **config):
    name = fresh(name)
    for future in admin.create_topics([NewTopic(name, partitions, config=config)]).values():
        future.result(PATIENCE)
    until(lambda: name in admin.list_topics(timeout=5).topics and len(admin.list_topics(topic=name).topics[name].partitions) == partitions)
    return name


def until(true, patience=PATIENCE):
    end = time.time() + patience
    while not true():
        if time.time() > end:
            raise AssertionError("not in time")
        time.sleep(0.1)


def produce(topic, messages, **config):
    failed = []
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "enable.idempotence": True, "linger.ms": 5, **config})
    for i, value in enumerate(messages):
        producer.produce(topic, value, key=str(i), headers={"n": str(i)}, on_delivery=lambda err, _: failed.append(err) if err else None)
    same(producer.flush(PATIENCE), 0)
    same(failed, [])


def consume(topic, count, group=None, patience=PATIENCE, **config):
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group or fresh("g"), "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "check.crcs": True, **config})
    consumer.subscribe([topic])
    try:
        got = read(consumer, count, patience)
        if got:
            consumer.commit(asynchronous=False)
        return got
    finally:
        consumer.close()


def read(consumer, count, patience=PATIENCE):
    got, end = [], time.time() + patience
    while len(got) < count:
        if time.time() > end:
            raise AssertionError(f"{len(got)} of {count} messages came")
        for message in consumer.consume(500, 0.2):
            if message.error():
                if message.error().code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._ALL_BROKERS_DOWN):
                    continue
                raise AssertionError(message.error())
            got.append(message)
    return got


@check("idempotent producer, every codec, keys and headers")
def _():
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        name, sent = topic(f"confluent-{codec}"), values(2000)
        produce(name, sent, **{"compression.type": codec})
        got = consume(name, len(sent))
        same(sorted(m.value() for m in got), sent)
        for m in got:
            same(m.headers(), [("n", m.key())])
            same(m.value(), sent[int(m.key())])


@check("consumer group: two members share, the rest goes on where it was committed")
def _():
    name, group = topic("confluent-group", 4), fresh("g")
    config = {"bootstrap.servers": BOOTSTRAP, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
              "partition.assignment.strategy": "cooperative-sticky"}
    first, second = Consumer(config), Consumer(config)
    first.subscribe([name])
    second.subscribe([name])

    def shared():
        first.poll(0.1), second.poll(0.1)
        return len(first.assignment()) == 2 and len(second.assignment()) == 2

    until(shared)
    produce(name, values(100))
    got, end = [], time.time() + PATIENCE
    while len(got) < 100 and time.time() < end:
        for consumer in first, second:
            got += [m.value() for m in consumer.consume(100, 0.2)]
    same(sorted(got), values(100))
    for consumer in first, second:
        consumer.commit(asynchronous=False)
        consumer.close()
    produce(name, [b"new"])
    same([m.value() for m in consume(name, 1, group)], [b"new"])


@check("consumer group, KIP-848 protocol")
def _():
    name, group = topic("confluent-848", 4), fresh("g")
    produce(name, values(200))
    config = {"group.protocol": "consumer"}
    same(sorted(m.value() for m in consume(name, 200, group, **config)), values(200))
    produce(name, [b"new"])
    same([m.value() for m in consume(name, 1, group, **config)], [b"new"])


@check("static member, offsets with metadata, seek, position and watermarks")
def _():
    name, group = topic("confluent-offsets", 1), fresh("g")
    produce(name, values(50))
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group, "group.instance.id": "i", "enable.auto.commit": False})
    consumer.assign([TopicPartition(name, 0, 0)])
    same([m.value() for m in read(consumer, 50)], values(50))
    consumer.seek(TopicPartition(name, 0, 40))
    same([m.value() for m in read(consumer, 10)], values(50)[40:])
    same(consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=10), (0, 50))
    consumer.commit(offsets=[TopicPartition(name, 0, 45, metadata="note")], asynchronous=False)
    committed = consumer.committed([TopicPartition(name, 0)], timeout=10)[0]
    same((committed.offset, committed.metadata), (45, "note"))
    at = consumer.offsets_for_times([TopicPartition(name, 0, 0)], timeout=10)[0]
    same(at.offset, 0)
    consumer.close()


@check("transactions: commit, abort, read_committed")
def _():
    name = topic("confluent-txn", 1)
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": fresh("t")})
    producer.init_transactions(PATIENCE)
    for commit in True, False, True:
        producer.begin_transaction()
        for i in range(10):
            producer.produce(name, f"{commit}-{i}")
        producer.flush(PATIENCE)
        producer.commit_transaction(PATIENCE) if commit else producer.abort_transaction(PATIENCE)
    got = [m.value() for m in consume(name, 20, **{"isolation.level": "read_committed"})]
    same(got, [b"True-%d" % i for i in range(10)] * 2)
    same(len(consume(name, 30, **{"isolation.level": "read_uncommitted"})), 30)


@check("transactions: read, process, write with offsets; a zombie is fenced")
def _():
    source, target, group, tid = topic("confluent-in", 1), topic("confluent-out", 1), fresh("g"), fresh("t")
    produce(source, values(100))
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([source])
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": tid})
    producer.init_transactions(PATIENCE)
    done = 0
    while done < 100:
        batch = consumer.consume(20, 1)
        if not batch:
            continue
        producer.begin_transaction()
        for m in batch:
            producer.produce(target, m.value())
        producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), PATIENCE)
        producer.commit_transaction(PATIENCE)
        done += len(batch)
    same([m.value() for m in consume(target, 100, **{"isolation.level": "read_committed"})], values(100))
    same(consumer.committed([TopicPartition(source, 0)], timeout=10)[0].offset, 100)
    consumer.close()
    heir = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": tid})
    heir.init_transactions(PATIENCE)
    try:
        producer.begin_transaction()
        producer.produce(target, "zombie")
        producer.commit_transaction(PATIENCE)
    except Exception as error:
        same(error.args[0].fatal() or error.args[0].code() in (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH), True)
    else:
        raise AssertionError("a fenced producer committed")


@check("admin: topics, partitions, configs")
def _():
    name = topic("confluent-admin", 2, **{"retention.ms": "86400000"})
    admin.create_partitions([NewPartitions(name, 5)])[name].result(PATIENCE)
    until(lambda: len(admin.list_topics(topic=name, timeout=5).topics[name].partitions) == 5)
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[
        ConfigEntry("max.message.bytes", "12345", incremental_operation=AlterConfigOpType.SET)])
    admin.incremental_alter_configs([resource])[resource].result(PATIENCE)
    config = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name)])
    entries = list(config.values())[0].result(PATIENCE)
    same((entries["max.message.bytes"].value, entries["retention.ms"].value), ("12345", "86400000"))
    described = admin.describe_cluster().result(PATIENCE)
    same(len(described.nodes), 3)
    from confluent_kafka import TopicCollection
    topics = admin.describe_topics(TopicCollection([name]))[name].result(PATIENCE)
    same(sorted(len(p.isr) for p in topics.partitions), [3] * 5)
    admin.delete_topics([name])[name].result(PATIENCE)
    until(lambda: name not in admin.list_topics(timeout=5).topics)


@check("admin: records deleted, offsets listed")
def _():
    name = topic("confluent-records", 1)
    produce(name, values(100))
    partition = TopicPartition(name, 0)
    same(list(admin.delete_records([TopicPartition(name, 0, 60)]).values())[0].result(PATIENCE).low_watermark, 60)
    for spec, want in (OffsetSpec.earliest(), 60), (OffsetSpec.latest(), 100):
        same(list(admin.list_offsets({partition: spec}).values())[0].result(PATIENCE).offset, want)
    same([m.value() for m in consume(name, 40)], values(100)[60:])


@check("admin: groups listed, described, offsets altered and deleted")
def _():
    name, group = topic("confluent-groups", 1), fresh("g")
    produce(name, values(10))
    consume(name, 10, group)
    until(lambda: group in [g.group_id for g in admin.list_consumer_groups().result(PATIENCE).valid])
    described = admin.describe_consumer_groups([group])[group].result(PATIENCE)
    same((described.group_id, described.state.name), (group, "EMPTY"))
    request = ConsumerGroupTopicPartitions(group, [TopicPartition(name, 0, 3)])
    admin.alter_consumer_group_offsets([request])[group].result(PATIENCE)
    listed = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(PATIENCE)
    same([(p.topic, p.offset) for p in listed.topic_partitions], [(name, 3)])
    same(len(consume(name, 7, group)), 7)
    admin.delete_consumer_groups([group])[group].result(PATIENCE)
    until(lambda: group not in [g.group_id for g in admin.list_consumer_groups().result(PATIENCE).valid])
