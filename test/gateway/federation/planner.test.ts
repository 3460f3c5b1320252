import assert from 'node:assert/strict'
import { test } from 'node:test'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { loadPlanner } from '../../../gateway/federation/planner.ts'
import { fixture } from '../fixture.ts'
import { ask, testGateway } from '../gateway.ts'
import { until } from '../until.ts'

test('the native planner loads here', async () => {
  const planner = await loadPlanner(composeSupergraph(fixture().subgraphs), null)
  assert.ok(planner.handler)
})

test('falls back to the JavaScript planner with the same results, and logs why the native one did not load', async (t) => {
  const absent = async () => {
    throw new Error('no native build for this platform')
  }
  const it = await testGateway({
    loadPlanner: (supergraph, local) => loadPlanner(supergraph, local, absent),
  })
  t.after(() => it.gateway.close(500))
  assert.match(JSON.stringify(it.logged), /no native build for this platform.*JavaScript/)
  const { body } = await ask(
    it.url,
    '{ head customers(first: 2) { name invoices { id customer { name } } } }',
  )
  const invoices = (c: string, name: string) =>
    [1, 2].map((n) => ({ id: `${c}-${n}`, customer: { name } }))
  assert.deepEqual(body, {
    data: {
      head: '0',
      customers: ['0', '1'].map((n) => ({
        name: `Customer ${n}`,
        invoices: invoices(`c${n}`, `Customer ${n}`),
      })),
    },
  })
  const failed = await ask(it.url, '{ fails(how: "PLAIN") }')
  assert.equal(failed.body.errors[0].extensions.code, 'INTERNAL')
  const events = new EventSourceReader(
    it.url,
    'subscription { changes { customer { name invoices { id } } } }',
  )
  await until(() => it.fixture.subscribers() === 1)
  it.fixture.emit({ position: '1', id: 'c3' })
  assert.deepEqual(await events.next(), {
    data: {
      changes: { customer: { name: 'Customer 3', invoices: [{ id: 'c3-1' }, { id: 'c3-2' }] } },
    },
  })
  events.close()
})

/** A minimal EventSource that reads the event stream from the wire. */
class EventSourceReader {
  readonly #abort = new AbortController()
  readonly #reader: Promise<ReadableStreamDefaultReader<Uint8Array>>
  #text = ''

  constructor(url: string, query: string) {
    this.#reader = fetch(`${url}?query=${encodeURIComponent(query)}`, {
      headers: { accept: 'text/event-stream' },
      signal: this.#abort.signal,
    }).then((res) => (res.body as ReadableStream<Uint8Array>).getReader())
  }

  async next(): Promise<unknown> {
    const reader = await this.#reader
    for (;;) {
      const match = /event: next\ndata: (.*)\n\n/.exec(this.#text)
      if (match) {
        this.#text = this.#text.slice(match.index + match[0].length)
        return JSON.parse(match[1] ?? '')
      }
      const { value, done } = await reader.read()
      if (done) throw new Error('the stream ended')
      this.#text += new TextDecoder().decode(value)
    }
  }

  close(): void {
    this.#abort.abort()
  }
}
