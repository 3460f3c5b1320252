import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { WebSocketServer } from 'ws'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { startGateway } from '../../gateway/gateway.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { startTailer } from '../../mdm/feed/tailer.ts'
import { readPolicy } from '../../schema/readPolicy.ts'
import { createSubgraphs } from '../../subgraphs/all.ts'
import { openCallers } from '../../test/gateway/openCallers.ts'
import { type FromGateway, now, type ToGateway } from './protocol.ts'

/** The process under test: the gateway with all subgraphs, and a bare `ws` server beside it. */
const url = process.argv[2] ?? ''
const policy = readPolicy(fileURLToPath(new URL('../../schema/model', import.meta.url)))
const sql = openDatabase(url, { connectionsMax: 8, name: 'bench-gateway' })
const feedSql = openDatabase(url, { connectionsMax: 4, name: 'bench-feed' })
const tailer = await startTailer({ sql: feedSql, log: (_, message) => console.error(message) })
const subgraphs = createSubgraphs({ sql, policy, tailer })
const gateway = await startGateway({
  host: '127.0.0.1',
  port: 0,
  supergraph: composeSupergraph(subgraphs),
  subgraphs,
  callers: openCallers(),
  bounds: {
    documentBytesMax: 10_000,
    tokensMax: 1_000,
    depthMax: 10,
    aliasesMax: 10,
    fieldsMax: 100,
    costMax: 20_000,
    bodyBytesMax: 100_000,
    queryMsMax: 60_000,
  },
  log: pino({ level: 'warn' }),
})
const bareServer = createServer().listen(0, '127.0.0.1')
await once(bareServer, 'listening')
const bare = new WebSocketServer({ server: bareServer })
const bareAddress = bareServer.address()
const barePort = typeof bareAddress === 'object' && bareAddress ? bareAddress.port : 0

const send = (message: FromGateway) => process.send?.(message)

process.on('message', async (message: ToGateway) => {
  if (message.do === 'memory' || message.do === 'stop') {
    if (message.do === 'memory') global.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    send({ is: 'memory', heapMB: (heapUsed + external) / 2 ** 20, rssMB: rss / 2 ** 20 })
    if (message.do === 'memory') return
    bare.close()
    await gateway.close(500)
    await tailer.stop()
    await Promise.all([sql.end({ timeout: 1 }), feedSql.end({ timeout: 1 })])
    process.exit(0)
  }
  const pad = 'x'.repeat(Math.max(0, message.bytes - 60))
  const start = now()
  for (let i = 0; i < message.count; i++) {
    if (message.perSecond > 0)
      await sleep(Math.max(0, start + (i * 1_000) / message.perSecond - now()))
    const text = JSON.stringify({ n: i, at: now(), pad })
    const sent = [...bare.clients].map((c) => new Promise((done) => c.send(text, done)))
    if (message.perSecond === 0) await Promise.all(sent)
  }
})
send({ is: 'listening', url: gateway.url, bareUrl: `ws://127.0.0.1:${barePort}` })
