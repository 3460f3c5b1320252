import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { verifyAudit } from '../../mdm/audit/verifyAudit.ts'
import { applyPending } from '../../mdm/ingest/pipeline.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { checkStanding } from '../../mdm/policy/repair.ts'
import type { ActionInput } from '../../mdm/stewardship/input.ts'
import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { applyRecords, attempt, person, withoutApprovals } from '../fixtures/steward.ts'
import { directPipeline, policy, send, systems } from '../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase({ connectionsMax: 16 })
})
after(async () => await db?.drop())

const rounds = Number(process.env.TOUCHSTONE_I8_ROUNDS ?? 4)
const names = ['Nordwind Logistik GmbH', 'Casa Lupo S.r.l.', 'Blue Fen Ltd']
const random = mulberry(7)

test('I8: stewards and ingest workers on the same records at once lose nothing and equal a rebuild', async () => {
  const pipeline = directPipeline(db.sql)
  const steward: Stewardship = { ...pipeline, policy: withoutApprovals(policy) }
  await applyRecords(db.sql, records(1))
  let version = 1
  const codes = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    version++
    await send(
      db.sql,
      records(version).map(({ source, id, fields }) => ({
        source,
        message: { type: 'Customer', id, version: version * 1e6, deleted: random() < 0.1, fields },
      })),
    )
    const working = [1, 2].map(async () => {
      while ((await applyPending(pipeline, 3)).claimed > 0);
    })
    const acting = ['ada', 'bert', 'cleo'].map(async (name) => {
      for (let i = 0; i < 3; i++) {
        const input = await randomAction()
        if (!input) continue
        const outcome = await attempt(steward, person(name, 'steward'), input)
        const code = outcome.code === 'REFUSED' ? outcome.rule : outcome.code
        codes.set(code, (codes.get(code) ?? 0) + 1)
      }
    })
    await Promise.all([...working, ...acting])
  }
  assert.ok((codes.get('DONE') ?? 0) >= rounds / 2, JSON.stringify([...codes]))
  if (process.env.TOUCHSTONE_I8_ROUNDS) console.log(Object.fromEntries(codes))
  assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
  assert.equal(await checkStanding(db.sql), 0)
  const done = codes.get('DONE') ?? 0
  const { rows, broken } = await verifyAudit(db.sql)
  assert.deepEqual(
    { rows, broken },
    { rows: done, broken: null },
    'one row of the audit log for each completed action',
  )
  const [gap] = await db.sql`
    select a.position from change a left join change b on b.position = a.position - 1
    where b.position is null and a.position > 1`
  assert.equal(gap, undefined, 'I5: positions are dense')
})

function records(version: number) {
  return systems.flatMap((s) =>
    ['1', '2', '3'].map((id) => ({
      source: s.name,
      id,
      fields: {
        name: names[Math.floor(random() * names.length)] ?? '',
        phones: random() < 0.5 ? ['+493012345678'] : [],
        accountOwner: `owner ${version}`,
      },
    })),
  )
}

/**
 * Returns a random action. Unmerges and undos are among them, so there is always something to merge
 * again.
 */
async function randomAction(): Promise<ActionInput | null> {
  const any = () => db.sql`md5(id::text || ${String(random())})`
  const [a, b] = await db.sql<
    { id: string }[]
  >`select id from golden where state = 'ACTIVE' order by ${any()} limit 2`
  if (!a) return null
  const [member] = await db.sql<{ key: string }[]>`
    select key from source_record where golden_id = ${a.id} order by ${any()} limit 1`
  const [undone] = await db.sql<{ id: string }[]>`
    select id from (select id from action where state = 'DONE' and kind <> 'UNDO' order by number desc limit 5) x
    order by ${any()} limit 1`
  const kinds: (ActionInput | null)[] = [
    b ? { kind: 'MERGE', ids: [a.id, b.id], choices: [] } : null,
    b ? { kind: 'NOT_A_MATCH', ids: [a.id, b.id] } : null,
    { kind: 'UNMERGE', id: a.id, record: member?.key ?? '' },
    { kind: 'OVERRIDE', id: a.id, field: 'currency', value: 'CHF', expiresAt: null },
    undone ? { kind: 'UNDO', action: undone.id } : null,
  ]
  return kinds[Math.floor(random() * kinds.length)] ?? null
}

/**
 * Creates a small random generator. Concurrent callers vary the order of its use, which is
 * intended.
 */
function mulberry(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
