import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import type { ExecutionResult } from 'graphql'
import { CORRELATION_HEADER } from '../../../gateway/http/correlation.ts'
import { listen } from '../../../gateway/http/listen.ts'
import { SlowReaderGuard } from '../../../gateway/http/slowReaderGuard.ts'
import { EventStreams } from '../../../gateway/http/sse.ts'
import { asyncStream } from '../../../schema/kit/asyncStream.ts'
import { until } from '../until.ts'

test('reports an error of a stream whose client has gone', async (t) => {
  const reported: unknown[] = []
  const streams = new EventStreams(
    (error, id) => reported.push([String(error), id]),
    new SlowReaderGuard(),
  )
  const ended = Promise.withResolvers<{ done: true; value: undefined }>()
  const silent = asyncStream<ExecutionResult>(
    () => ended.promise,
    () => {
      ended.resolve({ done: true, value: undefined })
      return Promise.reject(new Error('the source does not end'))
    },
  )
  const http = createServer((req, res) => {
    res.setHeader(CORRELATION_HEADER, 'c1')
    void streams.send(req, res, silent)
  })
  t.after(() => http.close())
  const stop = new AbortController()
  const res = await fetch(await listen(http, '127.0.0.1', 0), { signal: stop.signal })
  assert.equal(res.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  stop.abort()
  await until(() => reported.length === 1)
  assert.deepEqual(reported, [['Error: the source does not end', 'c1']])
})
