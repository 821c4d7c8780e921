// @platformatic/kafka: the younger JavaScript client, without native code.
'use strict'

const zlib = require('node:zlib')
const { Admin, Consumer, Producer, stringDeserializers, stringSerializers, MessagesStreamModes } = require('@platformatic/kafka')
const { bootstrap, check, fresh, same, until, values } = require('./report.cjs')

const common = { clientId: 'compat', bootstrapBrokers: bootstrap }
const admin = new Admin(common)

async function topic (name, partitions = 3) {
  name = fresh(name)
  await admin.createTopics({ topics: [name], partitions, replicas: 3 })
  return name
}

async function produce (topic, messages, options = {}) {
  const producer = new Producer({ ...common, serializers: stringSerializers, idempotent: true, acks: -1, ...options })
  await producer.send({ messages: messages.map((value, i) => ({ topic, key: String(i), value, headers: { n: String(i) } })) })
  await producer.close()
}

async function consume (topic, count, groupId, options = {}) {
  const consumer = new Consumer({ ...common, groupId, deserializers: stringDeserializers, autocommit: false, maxWaitTime: 500, ...options })
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.COMMITTED, fallbackMode: 'earliest' })
  const got = []
  for await (const message of stream) {
    got.push(message)
    await message.commit()
    if (got.length >= count) break
  }
  await stream.close?.()
  await consumer.close(true)
  return got
}

async function main () {
  await check('idempotent producer, every codec, keys and headers', async () => {
    const codecs = ['none', 'gzip', 'snappy', 'lz4', ...(zlib.zstdCompressSync ? ['zstd'] : [])] // what this Node can
    for (const compression of codecs) {
      const name = await topic('platformatic')
      await produce(name, values(300), { compression })
      const got = await consume(name, 300, fresh('g'))
      same(got.map(m => m.value).sort(), values(300))
      for (const m of got) same(m.headers.get('n'), m.key)
    }
  })

  await check('consumer group goes on where it was committed', async () => {
    const [name, group] = [await topic('platformatic-group', 3), fresh('g')]
    await produce(name, values(100))
    same((await consume(name, 100, group)).map(m => m.value).sort(), values(100))
    await produce(name, ['new'])
    same((await consume(name, 1, group)).map(m => m.value), ['new'])
  })

  await check('consumer group, KIP-848 protocol', async () => {
    const [name, group] = [await topic('platformatic-848', 3), fresh('g')]
    await produce(name, values(100))
    same((await consume(name, 100, group, { groupProtocol: 'consumer' })).map(m => m.value).sort(), values(100))
  })

  await check('admin: topics and groups', async () => {
    const [name, group] = [await topic('platformatic-admin', 1), fresh('g')]
    await produce(name, values(10))
    await consume(name, 10, group)
    same((await admin.listGroups()).has(group), true)
    same((await admin.describeGroups({ groups: [group] })).get(group).state, 'EMPTY')
    await admin.deleteGroups({ groups: [group] })
    await admin.deleteTopics({ topics: [name] })
    await until(async () => !(await admin.listTopics()).includes(name))
  })

  await admin.close()
}

main().then(() => process.exit(0))
