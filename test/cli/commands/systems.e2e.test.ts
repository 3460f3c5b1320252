import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { command as connect } from '../../../cli/commands/connect.ts'
import { command as sync } from '../../../cli/commands/sync.ts'
import { command as systems } from '../../../cli/commands/systems.ts'
import { ask } from '../../gateway/gateway.ts'
import { dataDirectory, touchstone } from '../process.ts'
import { runCommand } from '../runCommand.ts'

const COMMANDS = { systems, sync, connect }
const BY_CRM = `{ customerBySource(system: "hubspot", object: "companies", id: "9000000001") {
  name provenance(fields: ["name"]) { sourceRecords { nodes { system } } } sourceRecords { nodes { system } } } }`
const modelsCount = 4
const waitMsMax = 120_000
const silenceMs = 15_000
/** The first company in the systems that are written to. */
const OF_FIRST = [
  ['chargebee', 'customer', 'cust-1001'],
  ['oracle', 'accounts', '300000200000001'],
] as const

interface Write {
  source: string
  object: string
  sourceId: string
  operation: string
  state: string
}

interface Customer {
  name: string
  provenance: { sourceRecords: { nodes: { system: string }[] } }[]
  sourceRecords: { nodes: { system: string }[] }
}

/** Asks until the customer is as it should be. HubSpot's changes are read half a minute later. */
async function customerWhen(url: string, isRight: (customer: Customer) => boolean) {
  for (const end = Date.now() + waitMsMax; ; await new Promise((r) => setTimeout(r, 500))) {
    const { body } = await ask(url, BY_CRM)
    const customer = body.data?.customerBySource as Customer | null
    if (customer && isRight(customer)) return customer
    assert.ok(Date.now() < end, JSON.stringify(body))
  }
}

test('model systems run beside the demo: a change in the CRM reaches the others, and then all are silent', async (t) => {
  const { dir } = dataDirectory(t)
  const start = touchstone(['start', '--port', '0', '--no-demo', '--systems'], dir)
  const [, url = ''] = await start.says(/GraphQL {6}(\S+)/)
  await start.says(/Stop with Ctrl-C/)
  const [, model = ''] = await start.says(/Model {8}hubspot (\S+)/)
  // In this process: each start of one takes seconds.
  const { DATABASE_URL } = process.env
  delete process.env.DATABASE_URL
  t.after(() => {
    if (DATABASE_URL !== undefined) process.env.DATABASE_URL = DATABASE_URL
  })
  const run = async (name: 'systems' | 'sync' | 'connect', ...args: string[]) =>
    await runCommand(COMMANDS[name], args, { TOUCHSTONE_DATA_DIR: dir })
  const before = await customerWhen(
    url,
    (c) => new Set(c.sourceRecords.nodes.map((n) => n.system)).size === modelsCount,
  )
  assert.equal(before.name, 'Nordlicht Automation GmbH')
  const { output: list } = await run('systems', 'list')
  assert.match(list, /hubspot +http.*\n {2}companies +40 records/)

  const tail = touchstone(['tail', '--url', url], dir)
  await tail.says(/caught up/)
  const sources = join(dir, 'systems', 'sources.yaml')
  const writesNow = async () => {
    const { code, output } = await run(
      'sync',
      'writes',
      '--json',
      '--limit',
      '100',
      '--sources',
      sources,
    )
    assert.equal(code, 0, output)
    const rows = output.split('\n').filter((line) => line.startsWith('{'))
    return rows.map((line) => JSON.parse(line) as Write)
  }
  const corrected = (await writesNow()).length
  const prospect = '9000000005'
  for (const change of [
    ['9000000001', 'name=Nordlicht Automatik GmbH'],
    [prospect, 'lifecyclestage=customer'],
  ]) {
    const made = await run('systems', 'change', 'hubspot', 'companies', ...change)
    assert.equal(made.code, 0, made.output)
  }
  await tail.says(/Nordlicht Automatik GmbH .*name: "Nordlicht Automation GmbH" -> /)
  const isDone = (list: Write[]) => list.every((w) => w.state === 'DONE')
  let writes = await writesNow()
  for (const end = Date.now() + waitMsMax; writes.length < corrected + 5 || !isDone(writes); ) {
    assert.ok(Date.now() < end, JSON.stringify(writes))
    await new Promise((r) => setTimeout(r, 1_000))
    writes = await writesNow()
  }
  for (const [system, object, id] of OF_FIRST) {
    const { output } = await run('systems', 'show', system, object, id)
    assert.match(output, /"Nordlicht Automatik GmbH"/, system)
  }
  const created = writes.filter((w) => w.operation === 'CREATE')
  assert.deepEqual(created.map((w) => w.source).sort(), ['chargebee', 'oracle'])
  for (const { source, object, sourceId } of created) {
    const { output } = await run('systems', 'show', source, object, sourceId)
    assert.match(output, /"Kaldevon Trasporti S.r.l."/, source)
  }
  // Longer than billing needs to state what was written to it; the ERP is read a minute late.
  await new Promise((r) => setTimeout(r, silenceMs))
  const after = await customerWhen(url, () => true)
  assert.equal(after.name, 'Nordlicht Automatik GmbH')
  assert.deepEqual(
    after.provenance.flatMap((p) => p.sourceRecords.nodes.map((n) => n.system)),
    ['hubspot'],
  )
  assert.equal(after.sourceRecords.nodes.length, before.sourceRecords.nodes.length)
  assert.equal((await writesNow()).length, corrected + 5, 'three updates, two creates, and silence')
  tail.child.kill('SIGTERM')

  const status = await run('sync', 'status', '--sources', sources)
  assert.equal(status.code, 0, status.output)
  for (const object of ['hubspot/companies', 'chargebee/invoice', 'oracle/accounts'])
    assert.match(status.output, new RegExp(`^${object} .*last complete run`, 'm'))
  const tested = await run('connect', 'chargebee', '--test', '--yes', '--sources', sources)
  assert.equal(tested.code, 0, tested.output)
  assert.equal(statSync(join(dir, 'systems', 'hubspot.accessToken')).mode & 0o077, 0)
  assert.ok(!readFileSync(sources, 'utf8').includes('pat-eu1'))

  const second = touchstone(['start', '--port', '0', '--no-demo', '--systems'], dir)
  assert.equal(await second.ended, 1)
  assert.match(second.output(), /model systems run on .* already/)
  const unknown = await run('systems', 'change', 'hubspot', 'companies', '9000000001', 'colour=red')
  assert.deepEqual([unknown.code, /has no field colour/.test(unknown.output)], [1, true])

  start.child.kill('SIGTERM')
  assert.equal(await start.ended, 0, start.output())
  await assert.rejects(fetch(model))
  assert.match((await run('systems', 'list')).output, /no model systems run on .*--systems/)
})
