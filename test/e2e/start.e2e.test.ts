import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { EXAMPLES } from '../../gateway/examples.ts'
import { dataDirectory, runs, touchstone } from '../cli/process.ts'
import { childrenOf, pidOf } from '../faults/installation.ts'
import { ask } from '../gateway/gateway.ts'
import { until } from '../gateway/until.ts'
import { delivery, signature } from './deliveries.ts'

const START = ['start', '--port', '0', '--companies', '60']

/** A start and all that it started, servers included. */
function family(pid: number, dir: string): number[] {
  const server = pidOf(dir)
  return [pid, ...childrenOf(pid), server, ...childrenOf(server)]
}

test('stopped while the demo world is loading it leaves no process; the next start finishes it and answers the examples', async (t) => {
  const { dir } = dataDirectory(t)
  const first = touchstone(START, dir)
  t.after(() => void first.child.kill('SIGKILL'))
  await first.says(/GraphQL {6}(\S+)/)
  const processes = family(first.child.pid ?? 0, dir)
  assert.ok(processes.length > 5)
  first.child.kill('SIGTERM')
  assert.equal(await first.ended, 0)
  assert.match(first.output(), /The demo world is not complete; the next start goes on with it/)
  await until(() => processes.every((pid) => !runs(pid)))

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
  second.child.kill('SIGINT')
  assert.equal(await second.ended, 0)
  await until(() => again.every((pid) => !runs(pid)))
})

test('a stop lets a delivery that is under way finish: it is acknowledged and there', async (t) => {
  const { dir } = dataDirectory(t)
  const start = touchstone(['start', '--no-demo', '--port', '0'], dir)
  t.after(() => void start.child.kill('SIGKILL'))
  const [, url = ''] = await start.says(/GraphQL {6}(\S+)/)
  await start.says(/Stop with Ctrl-C/)
  const fields = { shop_customer_id: '1', company_name: 'Casa Lupo', modified_at: '2026-01-01T00:00:00Z' }
  const d = delivery('webshop', 'customers', JSON.stringify(fields))
  const headers = { 'content-type': 'application/json', 'content-length': d.body.length, ...signature(d) }
  const req = request(new URL(d.path, url), { method: 'POST', headers })
  const answered = new Promise<number | undefined>((resolve, reject) =>
    req.once('response', (res) => resolve(res.resume().statusCode)).once('error', reject),
  )
  await new Promise<void>((resolve) => req.write(d.body.slice(0, 20), () => resolve()))
  start.child.kill('SIGTERM')
  await start.says(/Stopping/)
  await until(
    async () =>
      await fetch(url).then(
        () => false,
        () => true,
      ),
  ) // takes no more connections
  req.end(d.body.slice(20))
  assert.equal(await answered, 202)
  assert.equal(await start.ended, 0)

  const next = touchstone(['start', '--no-demo', '--port', '0'], dir)
  t.after(() => void next.child.kill('SIGKILL'))
  const [, anew = ''] = await next.says(/GraphQL {6}(\S+)/)
  const query = '{ customerBySource(system: "webshop", object: "customers", id: "1") { name } }'
  await until(async () => (await ask(anew, query)).body.data?.customerBySource?.name === 'Casa Lupo')
  next.child.kill('SIGTERM')
  assert.equal(await next.ended, 0)
})
