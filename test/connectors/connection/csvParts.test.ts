import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { csvParts } from '../../../connectors/connection/job/csvParts.ts'
import { createExchange, ExchangeError } from '../../../connectors/connection/request/exchange.ts'
import { createResultFile } from '../../../connectors/connection/request/resultFile.ts'

const refuse = (code: string, what: string): never => {
  throw new Error(`${code}: ${what}`)
}
const form = { object: 'Account', needed: ['id'] }

async function parts(text: string, rowsMax: number, skip = 0) {
  const all = []
  for await (const part of csvParts(Readable.from([text]), form, { rowsMax, skip }, refuse))
    all.push([part.rows.map((r) => r.id), part.isLast])
  return all
}

describe('the rows of a result', () => {
  const text = 'Account.id,Name\n1,a\n2,\n3,c\n'

  test('come in parts, of which the last is known as such', async () => {
    assert.deepEqual(await parts(text, 2), [
      [['1', '2'], false],
      [['3'], true],
    ])
    assert.deepEqual(await parts(text, 3), [[['1', '2', '3'], true]])
    assert.deepEqual(await parts(text, 2, 2), [[['3'], true]])
    assert.deepEqual(await parts(text, 2, 3), [[[], true]])
    assert.deepEqual(await parts('Account.id\n', 2), [[[], true]])
  })

  test('are refused without a column, and where they are no CSV', async () => {
    await assert.rejects(parts('Account.Name\na\n', 2), /JOB_COLUMN_MISSING: .* no column id/)
    await assert.rejects(parts('Account.Name\n', 2), /JOB_COLUMN_MISSING/)
    await assert.rejects(parts('id,Name\n1,"a\n', 2), /ANSWER_NOT_CSV/)
    await assert.rejects(parts('id,Name\n1,a,b\n', 2), /ANSWER_NOT_CSV/)
  })
})

describe('an answer that goes into a file', () => {
  let server: Server
  let base: string
  before(async () => {
    server = createServer((req, res) => {
      if (req.url === '/refused') return void res.writeHead(403).end('no')
      res.writeHead(200, { 'content-length': '20' })
      res.write('x'.repeat(10))
      if (req.url === '/cut') return void setTimeout(() => res.destroy(), 20)
      if (req.url === '/idle') return
      res.end('y'.repeat(10))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const download = async (path: string, bytesMax?: number, idleMs = 20_000) => {
    const exchange = createExchange({ privateAddresses: true })
    const file = await createResultFile(bytesMax)
    const request = { method: 'GET', url: new URL(path, base), headers: {}, body: null }
    const ask = () => exchange.download(request, AbortSignal.timeout(60_000), file, idleMs)
    try {
      const first = await ask()
      const { status, text, bytes } = await ask()
      assert.equal(first.bytes, bytes)
      return [status, text, Buffer.concat(await file.reader().toArray()).toString()]
    } finally {
      await file.close()
    }
  }
  const fails = (code: string, again: boolean) => (e: unknown) =>
    e instanceof ExchangeError && e.code === code && e.again === again

  test('is there as it was sent, also when it is asked for again', async () => {
    assert.deepEqual(await download('/whole'), [200, '', 'x'.repeat(10) + 'y'.repeat(10)])
    assert.deepEqual(await download('/refused'), [403, 'no', ''])
  })

  test('is refused where it is too large, and tried again where it is cut or nothing comes', async () => {
    await assert.rejects(download('/whole', 19), fails('ANSWER_TOO_LARGE', false))
    await assert.rejects(download('/cut'), fails('NO_ANSWER', true))
    await assert.rejects(download('/idle', undefined, 50), fails('NO_ANSWER', true))
  })
})
