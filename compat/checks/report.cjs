// How a check tells what it saw: a line a subject, `ok WHAT` or `not ok WHAT@@reason`.
'use strict'

const { randomBytes } = require('node:crypto')
const { isDeepStrictEqual } = require('node:util')

const bootstrap = process.argv[2].split(',')
const patience = 30_000

const fresh = name => `${name}-${randomBytes(4).toString('hex')}`
const values = n => Array.from({ length: n }, (_, i) => `${String(i).padStart(6, '0')}-xxxxxxxxxxxxx`)

function same (got, want) {
  if (!isDeepStrictEqual(got, want)) throw new Error(`${JSON.stringify(got)?.slice(0, 80)} instead of ${JSON.stringify(want)?.slice(0, 80)}`)
}

async function check (what, run) {
  let timer
  const late = new Promise((resolve, reject) => { timer = setTimeout(() => reject(new Error('not in time')), 2 * patience) })
  try {
    await Promise.race([run(), late])
    console.log(`ok ${what}`)
  } catch (error) {
    if (process.env.COMPAT_VERBOSE) console.error(error)
    console.log(`not ok ${what}@@${`${error.name} ${error.message}`.replace(/\s+/g, ' ').slice(0, 200)}`)
  } finally {
    clearTimeout(timer)
  }
}

async function until (isTrue) {
  for (const end = Date.now() + patience; !await isTrue();) {
    if (Date.now() > end) throw new Error('not in time')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

module.exports = { bootstrap, check, fresh, same, until, values }
