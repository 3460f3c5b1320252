import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { startServer } from '../../cli/embeddedPostgres/server.ts'
import { EXAMPLES } from '../../gateway/http/examples.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { dataDirectory, runs, touchstone } from '../cli/process.ts'
import { developerHeaders } from '../developer.ts'
import { childrenOf, pidOf } from '../faults/installation.ts'
import { ask } from '../gateway/gateway.ts'
import { type Delivery, delivery, signature } from './deliveries.ts'
import { eventually } from './eventually.ts'

const START = ['start', '--port', '0', '--companies', '60']

/** Process ids of a start and its descendants, database server included. */
function family(pid: number, dir: string): number[] {
  const server = pidOf(dir)
  return [pid, ...childrenOf(pid), server, ...childrenOf(server)]
}

test('resumes an interrupted load, serves the examples, finishes a delivery during shutdown and leaves no process', async (t) => {
  const { dir } = dataDirectory(t)
  const first = touchstone(START, dir)
  t.after(() => void first.child.kill('SIGKILL'))
  await first.says(/GraphQL {6}(\S+)/)
  const processes = family(first.child.pid ?? 0, dir)
  assert.ok(processes.length > 5)
  first.child.kill('SIGTERM')
  assert.equal(await first.ended, 0)
  assert.match(first.output(), /The demo world is not complete; the next start resumes it/)
  await eventually(() => processes.every((pid) => !runs(pid)))

  const second = touchstone(START, dir)
  t.after(() => void second.child.kill('SIGKILL'))
  const [, url = ''] = await second.says(/GraphQL {6}(\S+)/)
  await second.says(/Demo world: ([\d,]+) messages applied/)
  for (const { title, query } of EXAMPLES) {
    if (/^\s*subscription/m.test(query)) continue
    const { status, body } = await ask(url, query)
    assert.deepEqual([status, body.errors], [200, undefined], title)
  }

  const again = family(second.child.pid ?? 0, dir)
  const fields = {
    shop_customer_id: 'LATE',
    company_name: 'Casa Lupo',
    modified_at: '2026-01-01T00:00:00Z',
  }
  const late = await slowDelivery(url, delivery('webshop', 'customers', JSON.stringify(fields)))
  second.child.kill('SIGINT')
  await second.says(/Stopping/)
  const refused = () =>
    fetch(url).then(
      () => false,
      () => true,
    )
  await eventually(refused)
  assert.equal(await late.finish(), 202, 'a delivery in progress is finished')
  assert.equal(await second.ended, 0)
  await eventually(() => again.every((pid) => !runs(pid)))

  const server = await startServer({ dir, durable: false })
  const sql = openDatabase(server.url('touchstone'), { connectionsMax: 1, name: 'test' })
  const stored = await sql`select 1 from inbox where source = 'webshop' and body like '%"LATE"%'`
  await sql.end()
  await server.stop()
  assert.equal(stored.length, 1, 'the acknowledged delivery is stored')
})

/** Sends the first half of a delivery. `finish` sends the rest and returns the status. */
async function slowDelivery(
  url: string,
  d: Delivery,
): Promise<{ finish(): Promise<number | undefined> }> {
  const headers = {
    'content-type': 'application/json',
    'content-length': d.body.length,
    ...developerHeaders(url),
    ...signature(d),
  }
  const req = request(new URL(d.path, url), { method: 'POST', headers })
  const answered = new Promise<number | undefined>((resolve, reject) =>
    req.once('response', (res) => resolve(res.resume().statusCode)).once('error', reject),
  )
  answered.catch(() => {}) // seen by `finish`
  await new Promise<void>((resolve) => req.write(d.body.slice(0, 20), () => resolve()))
  return {
    finish() {
      req.end(d.body.slice(20))
      return answered
    },
  }
}
