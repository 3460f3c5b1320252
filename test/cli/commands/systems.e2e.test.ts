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
  lifecycle sourceRecords { nodes { system } } } }`
const modelsCount = 4
const waitMsMax = 120_000

interface Customer {
  lifecycle: string
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

test('model systems run beside the demo: what a user changes in the CRM arrives in the golden record', async (t) => {
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
  assert.equal(before.lifecycle, 'PROSPECT')
  const { output: list } = await run('systems', 'list')
  assert.match(list, /hubspot +http.*\n {2}companies +40 records/)

  const tail = touchstone(['tail', '--url', url], dir)
  await tail.says(/caught up/)
  const change = ['change', 'hubspot', 'companies', '9000000001', 'lifecyclestage=customer']
  const made = await run('systems', ...change)
  assert.equal(made.code, 0, made.output)
  const after = await customerWhen(url, (c) => c.lifecycle === 'CUSTOMER')
  assert.equal(after.sourceRecords.nodes.length, before.sourceRecords.nodes.length)
  await tail.says(/Nordlicht Automation GmbH .*lifecycle: "PROSPECT" -> "CUSTOMER"/)
  tail.child.kill('SIGTERM')

  const sources = join(dir, 'systems', 'sources.yaml')
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
