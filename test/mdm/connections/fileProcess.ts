import { randomUUID } from 'node:crypto'
import { openInstallation } from '../../../cli/config/installation.ts'
import { openPulledSources } from '../../../cli/server/openPulledSources.ts'
import { PullScheduler } from '../../../mdm/connections/scheduler.ts'
import { openDatabase } from '../../../mdm/db/database.ts'

// A process that reads files, to be killed: node fileProcess.ts DATABASE_URL SOURCES
const [url = '', path = ''] = process.argv.slice(2)
const sql = openDatabase(url, { connectionsMax: 3, name: 'test-file-process' })
const { sources } = openPulledSources(openInstallation(path))
new PullScheduler({
  sql,
  sources,
  holder: randomUUID(),
  backlogMax: 1_000_000,
  onEnd: () => {},
  onAway: (error) => process.stderr.write(`${error}\n`),
}).start()
