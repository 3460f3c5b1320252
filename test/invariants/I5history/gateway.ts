import pino from 'pino'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { startGateway } from '../../../gateway/gateway.ts'
import { openDatabase } from '../../../mdm/db/database.ts'
import { startTailer } from '../../../mdm/feed/tailer.ts'
import { readPolicy } from '../../../schema/readPolicy.ts'
import { createChangesSubgraph } from '../../../subgraphs/changes/subgraph.ts'
import { unbound } from '../../../subgraphs/shared/context.ts'
import { BOUNDS } from '../../gateway/gateway.ts'
import { openCallers } from '../../gateway/openCallers.ts'

/**
 * A gateway with only the change feed: `node gateway.ts URL PORT`. Its small ring forces reads of
 * the table too.
 */
const [url = '', port = ''] = process.argv.slice(2)
const sql = openDatabase(url, { connectionsMax: 4, name: 'test-feed' })
const tailer = await startTailer({ sql, ringEventsMax: 30 })
const subgraphs = [
  createChangesSubgraph({ policy: readPolicy('schema/model'), tailer, sqlOf: unbound(tailer.sql) }),
]
const gateway = await startGateway({
  host: '127.0.0.1',
  port: Number(port),
  supergraph: composeSupergraph(subgraphs),
  subgraphs,
  bounds: BOUNDS,
  callers: openCallers(),
  log: pino({ level: 'silent' }),
})
process.send?.(gateway.url)
