import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { PullScheduler } from '../../../mdm/connections/scheduler.ts'
import { openDatabase } from '../../../mdm/db/database.ts'
import { withMapping } from '../../connectors/fixture.ts'
import { MapSystem, mapConnection } from './mapConnection.ts'

// A process that pulls, to be killed: node pullProcess.ts DATABASE_URL ROWS
const [url = '', rows = '0'] = process.argv.slice(2)
const sql = openDatabase(url, { connectionsMax: 3, name: 'test-pull-process' })
const shop = withMapping(`
every: { id: id, version: modified }
kept:
  customers:
  notes:
`)
const system = new MapSystem()
system.pageRows = 10
system.unversioned.add('notes')
for (let n = 0; n < Number(rows); n++) {
  // Four rows have one version each, so versions are equal over the ends of pages.
  system.put('customers', `c${n}`, { name: `No ${n}` }, 1_767_225_600_000 + Math.floor(n / 4))
  system.put('notes', `n${n}`, { text: `No ${n}` }, n)
}
system.onPage = () => sleep(2)
const connection = mapConnection(system)
new PullScheduler({
  sql,
  sources: new Map([
    [
      'shop',
      {
        objects: ['customers', 'notes'],
        connectionFor: () => connection,
        reader: () => shop,
        everyMs: 3_600_000,
        censusEveryMs: 3_600_000,
      },
    ],
  ]),
  holder: randomUUID(),
  backlogMax: 1_000_000,
  onEnd: (due, { ended }) => process.stdout.write(`${due.object} ${ended}\n`),
  onAway: (error) => process.stderr.write(`${error}\n`),
}).start()
