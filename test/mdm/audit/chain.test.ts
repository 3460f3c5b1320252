import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { headLine, isSignedHead, readHeadLine, signHead } from '../../../mdm/audit/auditHead.ts'
import {
  AuditKeyError,
  type KeyRing,
  parseAuditKeys,
  signingKey,
} from '../../../mdm/audit/auditKeys.ts'
import type { AuditRow } from '../../../mdm/audit/auditRow.ts'
import { ChainWalk } from '../../../mdm/audit/chainWalk.ts'
import { encodeParts, type Part } from '../../../mdm/audit/encodeParts.ts'
import { endorseKey, entryHash } from '../../../mdm/audit/entryHash.ts'

const chain = '00000000-0000-4000-8000-000000000001'
const secret = (name: string) => name.repeat(40).slice(0, 40)
const ring = (...ids: string[]): KeyRing => parseAuditKeys(ids.map((id) => `${id}:${secret(id)}`))

describe('encoding', () => {
  test('text that moves between neighbours changes the bytes', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constant(null),
      fc.integer(),
      fc.uint8Array({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), fc.array(part, { maxLength: 5 }), (a, b) => {
        const same = JSON.stringify(a.map(shown)) === JSON.stringify(b.map(shown))
        assert.equal(encodeParts(a).equals(encodeParts(b)), same)
      }),
    )
  })

  test('null, an empty text, the text of a number and its bytes differ', () => {
    const all: Part[] = [null, '', '1', 1, Buffer.from('1'), Buffer.alloc(0)]
    assert.equal(new Set(all.map((p) => encodeParts([p]).toString('hex'))).size, all.length)
    assert.ok(!encodeParts(['ab', 'c']).equals(encodeParts(['a', 'bc'])))
    assert.ok(!encodeParts([['a', 'b'].join('')]).equals(encodeParts(['a', 'b'])))
  })
})

const shown = (part: Part) =>
  part instanceof Uint8Array ? ['bytes', ...part] : [typeof part, part === null ? 0 : part]

describe('walk', () => {
  test('finds every change of every column, also between neighbours', () => {
    const rows = entries(ring('k1'), 4)
    assert.equal(walked(ring('k1'), rows), null)
    const [, , third] = rows
    if (!third) throw new Error('no third entry')
    const changes: Partial<AuditRow>[] = [
      { atUs: `${BigInt(third.atUs) + 1n}` },
      { atUs: `${BigInt(third.atUs) + 1000n}` },
      { atUs: '9224318015999999000000' },
      { actor: 'adaMERGE', event: '' },
      { actor: `${third.actor} ` },
      { actor: null },
      { event: third.actor, actor: third.event },
      { action: '' },
      { action: third.actor },
      { body: third.body.replace('"reason":"r', '"reason":"s') },
      { body: `${third.body} ` },
      { body: '[]' },
      { body: 'none' },
      { keyId: null },
      { keyId: 'k2' },
      { endorsement: Buffer.from('x') },
      { endorsement: Buffer.alloc(0) },
      { hash: Buffer.alloc(32) },
      { hash: Buffer.alloc(0) },
      { id: 4 },
    ]
    for (const change of changes) {
      const changed = rows.map((r): AuditRow => (r === third ? { ...r, ...change } : r))
      assert.equal(walked(ring('k1', 'k2'), changed)?.id, 3, JSON.stringify(change))
    }
  })

  test('finds removal, insertion, reorder, and an entry of another log', () => {
    const rows = entries(ring('k1'), 5)
    const [a, b, c, d, e] = rows as [AuditRow, AuditRow, AuditRow, AuditRow, AuditRow]
    assert.equal(walked(ring('k1'), [a, c, d, e])?.id, 2)
    assert.equal(walked(ring('k1'), [a, b, { ...b, id: 3 }, d, e])?.id, 3)
    assert.equal(walked(ring('k1'), [a, { ...c, id: 2 }, { ...b, id: 3 }, d, e])?.id, 2)
    assert.match(walked(ring('k1'), [a, { ...c, id: 2 }])?.detail ?? '', /written as entry 3/)
    const other = entries(ring('k1'), 5, { chain: chain.replace('1', '2') })
    assert.equal(walked(ring('k1'), other)?.id, 1)
    assert.equal(walked(ring('k1'), [a, b, ...other.slice(2)])?.id, 3)
    // The same id with another secret is another key.
    assert.equal(walked(parseAuditKeys([`k1:${secret('q')}`]), rows)?.id, 1)
  })

  test('an earlier key never signs again, and only the key before endorses another one', () => {
    const keys = ring('k1', 'k2', 'k3')
    const rows = [...entries(keys, 2), ...entries(keys, 2, { after: entries(keys, 2), key: 'k2' })]
    assert.equal(walked(keys, rows), null)
    const leaked = entries(keys, 1, { after: rows, key: 'k1', endorsed: false })
    assert.match(walked(keys, [...rows, ...leaked])?.detail ?? '', /goes back to the key k1/)
    const unendorsed = entries(keys, 1, { after: rows, key: 'k3', endorsed: false })
    assert.match(walked(keys, [...rows, ...unendorsed])?.detail ?? '', /does not endorse/)
    const foreign = entries(keys, 1, { after: rows, key: 'k3', endorsedBy: 'k1' })
    assert.match(walked(keys, [...rows, ...foreign])?.detail ?? '', /endorsement is not of/)
    // A key that is not here: its entries are not verified, and what follows still is.
    const walk = new ChainWalk(ring('k2'), { chain, id: 0, hash: Buffer.alloc(0) })
    for (const row of rows) assert.equal(walk.take(row), null)
    assert.deepEqual(walk.unverified, { id: 1, keyId: 'k1', entries: 2 })
    // A key that nobody has cannot follow one that is here.
    const intruder = entries(ring('k1', 'k2', 'k9'), 1, {
      after: rows,
      key: 'k9',
      endorsedBy: 'k1',
    })
    assert.equal(walked(ring('k1', 'k2'), [...rows, ...intruder])?.id, 5)
  })
})

describe('keys', () => {
  test('the first key signs, and one that was followed never again', () => {
    const sign = (r: KeyRing, used: string[], lost = false) => {
      const { key, changedFrom } = signingKey(r, used, lost)
      return [key.id, changedFrom?.id ?? null]
    }
    assert.deepEqual(sign(ring('k2', 'k1'), []), ['k2', null])
    assert.deepEqual(sign(ring('k2', 'k1'), ['k1']), ['k2', 'k1'])
    assert.deepEqual(sign(ring('k2', 'k1'), ['k1', 'k2']), ['k2', null])
    assert.deepEqual(sign(ring('k1', 'k2'), ['k1', 'k2']), ['k2', null])
    assert.throws(() => sign(ring('k1'), ['k1', 'k2']), AuditKeyError)
    assert.throws(() => sign([], []), AuditKeyError)
    assert.deepEqual(sign(ring('k3'), ['k1', 'k2'], true), ['k3', null])
    assert.throws(() => sign(ring('k3', 'k2'), ['k1', 'k2'], true), /is not lost/)
    assert.throws(() => sign(ring('k1'), ['k1', 'k2'], true), /make a new key/)
  })

  test('errors about keys do not repeat the secret', () => {
    for (const text of ['k1', `:${secret('z')}`, 'k1:zzz', `k 1:${secret('z')}`, 'constructor:zzz'])
      assert.throws(
        () => parseAuditKeys([text]),
        (e: Error) => e instanceof AuditKeyError && !e.message.includes('zzz'),
      )
    assert.throws(() => parseAuditKeys([`a:${secret('a')}`, `a:${secret('b')}`]), /two keys/)
  })
})

describe('heads', () => {
  const [key] = ring('k1')
  if (!key) throw new Error('no key')
  const head = signHead(key, {
    ...{ chain, position: 7, hash: 'ab'.repeat(32), at: '2026-11-29T20:00:00.000Z', entries: 7 },
  })

  test('a head is read from a file, a log and the body of a webhook', () => {
    const line = headLine(head)
    for (const text of [
      line,
      JSON.stringify({ level: 30, auditHead: head, msg: 'head of the audit log' }),
      `Nov 29 20:00:00 host touchstone[7]: ${JSON.stringify({ auditHead: head })}`,
      JSON.stringify({ specversion: '1.0', type: 'touchstone.audit.head', data: head }),
      JSON.stringify({ log: `${JSON.stringify({ auditHead: head })}\n`, stream: 'stdout' }),
      JSON.stringify({ MESSAGE: `touchstone[7]: ${line}`, PRIORITY: '6' }),
    ])
      assert.deepEqual(readHeadLine(text), head)
    assert.equal(readHeadLine('{"level":30,"msg":"started"}'), 'OTHER')
    assert.equal(readHeadLine(line.slice(0, 90)), 'DAMAGED')
    assert.equal(readHeadLine(line.replace('"position":7', '"position":"7"')), 'DAMAGED')
  })

  test('a line whose type was edited still looks like a head', () => {
    const log = JSON.stringify({ level: 30, auditHead: head, msg: 'head of the audit log' })
    const event = JSON.stringify({ type: 'touchstone.audit.head', data: head })
    for (const text of [
      headLine(head).replace('audit.head', 'audit.hexd'),
      headLine(head).replace('"type":"touchstone.audit.head",', ''),
      headLine(head).replace('audit.head', 'audit.hexd').replace('"mac"', '"mak"'),
      log.replace('"auditHead"', '"auditHexd"'),
      event.replace('audit.head', 'audit.hexd'),
      JSON.stringify({ message: log.replace('"auditHead"', '"auditHexd"') }),
      headLine(head).replace('audit.head', 'audit.hexd').slice(0, 150),
    ])
      assert.equal(readHeadLine(text), 'DAMAGED', text)
    for (const text of [
      '{"level":50,"position":7,"detail":"x","msg":"the audit log was changed"}',
      '{"level":40,"sink":"file","position":3,"head":7}',
    ])
      assert.equal(readHeadLine(text), 'OTHER', text)
  })

  test('each field of a head is signed', () => {
    assert.equal(isSignedHead(ring('k1'), head), true)
    assert.equal(isSignedHead(ring('k2'), head), null)
    const changes = {
      ...{ chain: chain.replace('1', '3'), position: 6, hash: 'cd'.repeat(32) },
      ...{ at: '2026-11-29T20:00:01.000Z', entries: 8, key: 'k2', mac: head.mac.slice(2) },
      broken: 1,
    }
    for (const [name, value] of Object.entries(changes))
      assert.equal(isSignedHead(ring('k1', 'k2'), { ...head, [name]: value }), false, name)
  })
})

function walked(keys: KeyRing, rows: readonly AuditRow[]) {
  const walk = new ChainWalk(keys, { chain, id: 0, hash: Buffer.alloc(0) })
  for (const row of rows) {
    const broken = walk.take(row)
    if (broken) return broken
  }
  return null
}

interface Making {
  chain?: string
  after?: readonly AuditRow[]
  key?: string
  endorsed?: boolean
  endorsedBy?: string
}

/** Makes entries as the product does, or as somebody who has some of its keys. */
function entries(keys: KeyRing, count: number, making: Making = {}): AuditRow[] {
  const of = making.chain ?? chain
  const last = making.after?.at(-1)
  const key = keys.find((k) => k.id === (making.key ?? keys[0]?.id))
  if (!key) throw new Error('no such key')
  let before: Uint8Array = last?.hash ?? Buffer.alloc(0)
  let keyBefore = last?.keyId ?? key.id
  return Array.from({ length: count }, (_, i) => {
    const id = (last?.id ?? 0) + i + 1
    const at = new Date(Date.UTC(2026, 10, 29) + id)
    const facts = { actor: 'ada', event: 'MERGE', action: `action ${id}` }
    const body = JSON.stringify({ id, at: at.toISOString(), ...facts, reason: `r${id}` })
    const earlier = keys.find((k) => k.id === (making.endorsedBy ?? keyBefore))
    const isChange = keyBefore !== key.id && making.endorsed !== false
    const place = { chain: of, id, before }
    const endorsement =
      isChange && earlier ? endorseKey(earlier, { ...place, keyId: key.id }) : null
    const row = { id, atUs: `${at.getTime()}000`, ...facts, body, keyId: key.id, endorsement }
    const hash = entryHash(key, { ...row, ...place })
    before = hash
    keyBefore = key.id
    return { ...row, hash }
  })
}
