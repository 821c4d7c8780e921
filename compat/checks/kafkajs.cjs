// kafkajs: the JavaScript client that most programs still use.
'use strict'

const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = require('kafkajs')
const { bootstrap, check, fresh, same, until, values } = require('./report.cjs')

const kafka = new Kafka({ brokers: bootstrap, clientId: 'compat', logLevel: logLevel.NOTHING })
const admin = kafka.admin()

async function topic (name, numPartitions = 3) {
  name = fresh(name)
  await admin.createTopics({ topics: [{ topic: name, numPartitions, replicationFactor: 3 }], waitForLeaders: true })
  return name
}

async function produce (topic, messages, compression = CompressionTypes.None) {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic, compression, acks: -1, messages: messages.map((value, i) => ({ key: String(i), value, headers: { n: String(i) } })) })
  await producer.disconnect()
}

async function member (topic, groupId, got) {
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 500, rebalanceTimeout: 10_000 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => { got.push(message) } })
  return consumer
}

async function consume (topic, count, groupId = fresh('g')) {
  const got = []
  const consumer = await member(topic, groupId, got)
  await until(() => got.length >= count)
  await consumer.disconnect()
  return got
}

const texts = messages => messages.map(m => m.value.toString())

async function main () {
  await admin.connect()

  await check('idempotent producer, none and gzip, keys and headers', async () => {
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
      const name = await topic('kafkajs')
      await produce(name, values(1000), compression)
      const got = await consume(name, 1000)
      same(texts(got).sort(), values(1000))
      for (const m of got) same(m.headers.n, m.key)
    }
  })

  await check('consumer group: two members share, the rest goes on where it was committed', async () => {
    const [name, group, first, second] = [await topic('kafkajs-group', 4), fresh('g'), [], []]
    const members = [await member(name, group, first), await member(name, group, second)]
    await until(async () => (await admin.describeGroups([group])).groups[0].members.filter(m => m.memberAssignment.length > 0).length === 2 &&
      (await admin.describeGroups([group])).groups[0].state === 'Stable')
    await produce(name, values(200))
    await until(() => first.length + second.length >= 200)
    same(texts([...first, ...second]).sort(), values(200))
    same(first.length > 0 && second.length > 0, true)
    for (const m of members) await m.disconnect()
    await produce(name, ['new'])
    same(texts(await consume(name, 1, group)), ['new'])
  })

  await check('transactions: commit, abort, offsets, read_committed', async () => {
    const [name, group] = [await topic('kafkajs-txn', 1), fresh('g')]
    const producer = kafka.producer({ transactionalId: fresh('t'), maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    for (const commit of [true, false, true]) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: name, messages: values(10).map(value => ({ value: `${commit}-${value}` })) })
      if (commit) {
        await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic: name, partitions: [{ partition: 0, offset: '7' }] }] })
        await transaction.commit()
      } else {
        await transaction.abort()
      }
    }
    await producer.disconnect()
    const want = values(10).map(value => `true-${value}`)
    same(texts(await consume(name, 20)), [...want, ...want])
    same((await admin.fetchOffsets({ groupId: group, topics: [name] }))[0].partitions[0].offset, '7')
  })

  await check('admin: topics, partitions, configs, offsets, groups', async () => {
    const [name, group] = [await topic('kafkajs-admin', 2), fresh('g')]
    await admin.createPartitions({ topicPartitions: [{ topic: name, count: 5 }] })
    await until(async () => (await admin.fetchTopicMetadata({ topics: [name] })).topics[0].partitions.length === 5)
    const resource = { type: ConfigResourceTypes.TOPIC, name }
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '1234567' }] }] })
    const described = await admin.describeConfigs({ includeSynonyms: false, resources: [{ ...resource, configNames: ['retention.ms'] }] })
    same(described.resources[0].configEntries[0].configValue, '1234567')
    await produce(name, values(10))
    same((await admin.fetchTopicOffsets(name)).reduce((sum, p) => sum + Number(p.high), 0), 10)
    await consume(name, 10, group)
    same((await admin.listGroups()).groups.some(g => g.groupId === group), true)
    await admin.deleteGroups([group])
    await admin.deleteTopics({ topics: [name] })
    await until(async () => !(await admin.listTopics()).includes(name))
  })

  await admin.disconnect()
}

main().then(() => process.exit(0))
