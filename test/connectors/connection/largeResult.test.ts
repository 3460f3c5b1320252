import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openConnection } from '../../../connectors/connection/openConnection.ts'
import { answerBytesMax } from '../../../connectors/connection/request/exchange.ts'
import { connect } from './fixture.ts'

// An export that is larger than what an answer may have in memory. Its system generates it as it is
// sent, so this process never has it whole.

const definition = `
settings: { base: { is: url } }
auth: { none: true }
http: { base: "{base}" }
objects:
  customer:
    id: id
    version: updated
    rows: "data[]"
    pages: { cursor: next, as: query.cursor }
    list: { get: /customers }
    full:
      job:
        submit: { post: /jobs, json: { query: "select all" }, id: id }
        poll: { get: "/jobs/{job}", state: status, done: [completed], failed: [error], files: "files[]", count: count, every: 1s, ends: 3h }
        results: { get: "/files/{file}", columns: [id, updated] }
    deletes: flag
`

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const rows = 70_000
const text = 'x'.repeat(1_000)
const megabyte = 1_000_000
let bytes = 0
let downloads = 0

function* generated() {
  yield 'id,updated,text\n'
  for (let n = 1; n <= rows; n++) yield `${n},2026-03-01T00:00:00Z,${text}\n`
}

let server: Server
before(async () => {
  server = createServer((req, res) => {
    const json = (body: unknown) =>
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (req.url?.startsWith('/customers'))
      return void json({ data: [{ id: 1, updated: '2026-03-01T00:00:00Z' }], next: 'more' })
    if (req.url === '/jobs') return void json({ id: 'j1' })
    if (req.url === '/jobs/j1')
      return void json({ status: 'completed', files: ['f1'], count: rows })
    downloads++
    const source = Readable.from(generated(), { objectMode: false })
    source.on('data', (chunk: Buffer) => (bytes += chunk.length))
    pipeline(source, res, () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
after(() => {
  server.closeAllConnections()
  server.close()
})

test('a result of more than 64 MB is read in constant memory', async (t) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const connection = openConnection(
    'shop',
    connect(definition, `base: ${url}\nprivateAddresses: true`),
    {
      ...{ retry: { msMin: 1, msMax: 5 }, env: {} },
    },
  )
  const before = liveMemory()
  let [read, most, pagesRead] = [0, 0, 0]
  for await (const page of connection.pull('customer', null, t.signal)) {
    read += page.rows.length
    if (++pagesRead % 5 === 0) most = Math.max(most, liveMemory())
  }
  assert.deepEqual([read, downloads], [rows, 1])
  assert.ok(bytes > 64 * 1024 * 1024 && bytes > 2 * answerBytesMax, `${bytes} bytes`)
  const more = `memory rose by ${Math.round((most - before) / megabyte)} MB`
  t.diagnostic(`${Math.round(bytes / megabyte)} MB in ${pagesRead} pages: ${more}`)
  assert.ok(most - before < 40 * megabyte, more)
})

/** Returns the bytes that are in use, without what the next collection frees. */
function liveMemory(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
