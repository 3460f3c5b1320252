import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { openInstallation } from '../../cli/installation.ts'
import { simulateOnThread } from '../../cli/simulateThread.ts'
import { DEFAULT_RULES } from '../../mdm/review/rules.ts'
import type { Simulation } from '../../mdm/simulate.ts'
import { whatIf } from '../../subgraphs/stewardship/whatIf.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { key, person, tell } from '../fixtures/steward.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await tell(db.sql, [
    { source: 'crm', id: 'A', fields: { name: 'Casa Lupo', emails: ['one@casalupo.example'], currency: 'EUR' } },
    { source: 'crm', id: 'B', fields: { name: 'Blue Fen' } },
  ])
})
after(async () => await db?.drop())

const files = readdirSync('schema/model').map((name) => ({ name, text: readFileSync(`schema/model/${name}`, 'utf8') }))
const pia = person('pia', 'publisher')

test('a what-if runs on a thread of its own, one at a time, for those who may publish; a mistake in the policy is named', async () => {
  const run = whatIf(simulateOnThread(db.url, undefined, openInstallation().systems), DEFAULT_RULES)
  const without = files.map((f) => ({
    ...f,
    text: f.text.replace(/ {2}"The currency it is billed in.*\n {2}currency: String.*\n/, ''),
  }))
  assert.notDeepEqual(without, files)
  const [report, busy] = await Promise.all([run(pia, without, null), run(pia, files, null)])
  assert.equal((busy as { rule: string }).rule, 'BUSY')
  const customers = (report as unknown as Simulation).types.find((t) => t.type === 'Customer')
  assert.deepEqual(customers?.changes, { count: 1, examples: [{ goldenId: key('crm', 'A'), detail: ['currency'] }] })

  const broken = files.map((f) => ({ ...f, text: f.text.replace('name: String!', 'name: Strin!') }))
  const refused = (await run(pia, broken, null)) as { rule: string; detail: string }
  assert.equal(refused.rule, 'BAD_POLICY')
  assert.match(refused.detail, /\.graphql:\d+: .*unknown type Strin/)
  assert.equal(((await run(person('ada', 'steward'), files, null)) as { rule: string }).rule, 'MISSING_ROLE')
  assert.equal(((await whatIf(undefined, DEFAULT_RULES)(pia, files, null)) as { rule: string }).rule, 'NOT_HERE')
})
