import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { applyPending } from '../../mdm/ingest/pipeline.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import type { DirectMessage } from '../fixtures/directSource.ts'
import { directPipeline, empty, send, systems } from '../fixtures/store.ts'
import { isMine } from '../property.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase({ connectionsMax: 12 })
})
after(async () => await db.drop())

const places = ['Hamburg', 'Roma', 'Leeds', 'Porto', 'Gdynia']

/**
 * Forty companies, each several times in all systems, with contacts that refer to them, so that
 * everything collides.
 */
function collidingWorld(seed: number): { source: string; message: DirectMessage }[] {
  let state = seed
  const random = (n: number) => {
    state = (state * 1103515245 + 12345) % 2147483648
    return Math.floor((state / 2147483648) * n)
  }
  const messages: { source: string; message: DirectMessage }[] = []
  for (let company = 0; company < 40; company++)
    for (const system of systems)
      for (let version = 1; version <= 3; version++) {
        const id = `c${company}`
        const name = `Nordwind ${String.fromCharCode(65 + (company % 26))}${company} Werke`
        messages.push({
          source: system.name,
          message: {
            type: 'Customer',
            id,
            version: version * 1e6,
            fields: {
              name: version === 2 ? name.replace('Werke', 'Werk') : `${name} GmbH`,
              domains: [`nordwind${company}.example`],
              phones: [`+4930${1000000 + company * 7}`],
              billingAddress: {
                street: `Hafenstr. ${company}`,
                city: places[random(places.length)],
                country: 'DE',
              },
            },
          },
        })
        messages.push({
          source: system.name,
          message: {
            type: 'Contact',
            id: `p${company}`,
            version: version * 1e6,
            fields: {
              name: `Anna Weber-${company}`,
              jobTitle: `t${version}`,
              customer: recordKey(system.name, 'Customer', id),
            },
          },
        })
      }
  return messages
    .map((m) => ({ m, at: random(1e9) }))
    .sort((a, b) => a.at - b.at)
    .map(({ m }) => m)
}

for (const workers of [2, 4, 8].filter((_, n) => isMine(n)))
  test(`I8: ${workers} workers on colliding records never leave two golden records for one thing`, async () => {
    await empty(db.sql)
    const pipeline = directPipeline(db.sql)
    await send(db.sql, collidingWorld(workers))
    await Promise.all(
      Array.from({ length: workers }, async (_, n) => {
        while ((await applyPending(pipeline, 5 + 3 * n)).claimed > 0);
      }),
    )
    const [left] = await db.sql<{ waiting: number; exceptions: number }[]>`
      select (select count(*)::int from pending) as waiting,
        (select count(*)::int from outcome where outcome = 'EXCEPTION') as exceptions`
    assert.deepEqual(left, { waiting: 0, exceptions: 0 })
    const check = await checkRebuild(db.sql, pipeline)
    assert.deepEqual(check.differences, [])
    const [golden] = await db.sql<{ customers: number; contacts: number }[]>`
      select count(*) filter (where type = 'Customer')::int as customers, count(*) filter (where type = 'Contact')::int as contacts
      from golden where state = 'ACTIVE'`
    assert.deepEqual(golden, { customers: 40, contacts: 40 })
    const [feed] = await db.sql<{ head: number; events: number; last: number; versions: number }[]>`
      select (select position from feed_head) as head, count(*)::int as events, max(position) as last,
        (select sum(version)::int from golden) as versions from change`
    assert.deepEqual(
      feed,
      { head: feed?.events, events: feed?.events, last: feed?.events, versions: feed?.events },
      'I4, I5: one event a version, no gaps',
    )
  })
