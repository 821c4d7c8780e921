"""aiokafka: the asynchronous client, with a group of two members and transactions."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from report import BOOTSTRAP, check, fresh, same, values

PATIENCE = 30


def task(function):
    """Lets a coroutine function be called by check."""
    return lambda: asyncio.run(asyncio.wait_for(function(), 3 * PATIENCE))


async def topic(name, partitions=3):
    name, admin = fresh(name), AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 3)])
    await admin.close()
    return name


async def produce(topic, messages, **config):
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, acks="all", enable_idempotence=True, **config) as producer:
        await asyncio.gather(*[await producer.send(topic, value, key=b"%d" % i) for i, value in enumerate(messages)])


async def read(consumer, count):
    return [await asyncio.wait_for(consumer.getone(), PATIENCE) for _ in range(count)]


@check("idempotent producer, every codec")
@task
async def _():
    for codec in [None, "gzip", "snappy", "lz4", "zstd"]:
        name = await topic(f"aio-{codec}")
        await produce(name, values(1000), compression_type=codec)
        async with AIOKafkaConsumer(name, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest") as consumer:
            same(sorted(m.value for m in await read(consumer, 1000)), values(1000))


@check("consumer group: two members share, the rest goes on where it was committed")
@task
async def _():
    name, group = await topic("aio-group", 4), fresh("g")

    def member():
        return AIOKafkaConsumer(name, bootstrap_servers=BOOTSTRAP, group_id=group, auto_offset_reset="earliest",
                                enable_auto_commit=False, heartbeat_interval_ms=500)

    async with member() as first, member() as second:
        for _ in range(10 * PATIENCE):
            if len(first.assignment()) == 2 and len(second.assignment()) == 2:
                break
            await asyncio.gather(first.getmany(timeout_ms=50), second.getmany(timeout_ms=50))
        same(len(first.assignment() | second.assignment()), 4)
        await produce(name, values(100))
        got = []
        for _ in range(10 * PATIENCE):
            for consumer in first, second:
                for messages in (await consumer.getmany(timeout_ms=100)).values():
                    got += [m.value for m in messages]
            if len(got) >= 100:
                break
        same(sorted(got), values(100))
        await first.commit()
        await second.commit()
    await produce(name, [b"new"])
    async with member() as third:
        same([m.value for m in await read(third, 1)], [b"new"])


@check("transactions: commit, abort, offsets, read_committed")
@task
async def _():
    name, group = await topic("aio-txn", 1), fresh("g")
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=fresh("t")) as producer:
        for commit in True, False, True:
            await producer.begin_transaction()
            for i in range(10):
                await producer.send_and_wait(name, b"%s-%d" % (str(commit).encode(), i))
            if commit:
                await producer.send_offsets_to_transaction({TopicPartition(name, 0): 7}, group)
                await producer.commit_transaction()
            else:
                await producer.abort_transaction()
    async with AIOKafkaConsumer(name, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest",
                                isolation_level="read_committed") as consumer:
        same([m.value for m in await read(consumer, 20)], [b"True-%d" % i for i in range(10)] * 2)
    async with AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=group) as consumer:
        same(await consumer.committed(TopicPartition(name, 0)), 7)
