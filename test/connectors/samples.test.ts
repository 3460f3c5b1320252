import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MessageError } from '../../connectors/contract.ts'
import { fileRows } from '../../connectors/file/rows.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { readPolicy } from '../../schema/readPolicy.ts'
import { samples, samplesConfig } from './samples.ts'

const all = samples()
const skip = all ? false : 'no ../shared/samples here'
const connectors = openConnectors(
  samplesConfig,
  readPolicy(fileURLToPath(new URL('../../schema/model', import.meta.url))),
)

/** Codes of rows that are not records of the system, or that their file does not identify. */
const EXPECTED = ['MISSING_ID', 'UNKNOWN_OBJECT', 'INCOMPLETE']

test('maps every row of every sample to a record, or rejects it with a known code', {
  skip,
}, async (t) => {
  const reasons = new Map<string, number>()
  for (const sample of all ?? []) {
    const connector = connectors.get(sample.source)
    assert.ok(connector, sample.source)
    let rows = 0
    let landed = 0
    for await (const { text } of fileRows(sample.path, sample.file)) {
      rows++
      try {
        const [message] = connector.split(text, sample.object, null)
        assert.ok(message)
        const changes = connector.read(message.format, message.body, message.object)
        assert.ok(changes.length > 0, sample.name)
        const complete = changes.every((c) => connector.map(c.object, c.raw).complete)
        if (complete) landed++
        else
          reasons.set(
            `${sample.name} INCOMPLETE`,
            (reasons.get(`${sample.name} INCOMPLETE`) ?? 0) + 1,
          )
      } catch (e) {
        if (!(e instanceof MessageError)) throw e
        assert.ok(EXPECTED.includes(e.code), `${sample.name}: ${e.code} ${e.message}`)
        reasons.set(`${sample.name} ${e.code}`, (reasons.get(`${sample.name} ${e.code}`) ?? 0) + 1)
      }
    }
    assert.equal(rows, sample.rows, `${sample.name}: rows`)
    const named = [...reasons]
      .filter(([k]) => k.startsWith(`${sample.name} `))
      .reduce((n, [, c]) => n + c, 0)
    assert.equal(landed + named, rows, `${sample.name}: landed and exceptions`)
    if (!sample.records) assert.equal(landed, 0, `${sample.name} holds no records`)
  }
  for (const [reason, count] of reasons)
    if (!reason.includes('/triggers/')) t.diagnostic(`${count} ${reason}`)
})

test('knows the object of every sample of a warehouse', { skip }, async () => {
  const known = (all ?? []).filter(
    (s) =>
      s.records && ['sf-warehouse', 'stripe-warehouse', 'netsuite-warehouse'].includes(s.source),
  )
  assert.ok(known.length > 80)
  for (const sample of known) {
    const connector = connectors.get(sample.source)
    assert.notEqual(
      connector?.objectName(sample.object),
      null,
      `${sample.name}: ${sample.object} is an object of the mapping`,
    )
  }
})
