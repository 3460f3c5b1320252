import { randomUUID } from 'node:crypto'
import { openDatabase } from '../../../mdm/db/database.ts'
import { WritePlanner } from '../../../mdm/writeback/planner.ts'
import { TargetWriter } from '../../../mdm/writeback/writer.ts'
import { policy, systems } from '../../fixtures/store.ts'
import { type Once, openHttpTarget, shop, shopTarget } from './httpTarget.ts'

// A process that plans and writes, to be killed: node writeProcess.ts DATABASE_URL TARGET_URL ONCE
const [url = '', base = '', once = 'KEY'] = process.argv.slice(2)
const sql = openDatabase(url, { connectionsMax: 5, name: 'test-write-process' })
const connection = openHttpTarget(base, once as Once)
const target = shopTarget(connection)
const context = {
  sql,
  policy,
  systems: new Map(
    [...systems, { ...shop.system, role: 'BILLING' as const }].map((s) => [s.name, s]),
  ),
  targets: new Map([['shop', target]]),
}
const writer = new TargetWriter({
  ...{ sql, holder: randomUUID(), settleMs: 300 },
  sources: new Map([['shop', { connection, target: () => target, reader: () => shop }]]),
  onError: (error) => process.stderr.write(`${error}\n`),
})
writer.start()
new WritePlanner({
  context: () => context,
  onPlanned: writer.wake,
  onError: (error) => process.stderr.write(`${error}\n`),
}).start()
