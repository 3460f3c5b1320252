import { openDatabase } from '../../../mdm/db/database.ts'
import { deliver, webhooksAt } from './setting.ts'

// A deliverer in its own process, to be killed: node delivererProcess.ts DATABASE_URL PORT
const [url = '', port = ''] = process.argv.slice(2)
const sql = openDatabase(url, { connectionsMax: 2, name: 'test-deliverer-process' })
const clock = {
  get now() {
    return Date.now()
  },
}
await deliver(url, webhooksAt(sql, [Number(port)]), clock, {
  schedule: { firstMs: 20, factor: 2, stepMsMax: 200, windowMs: 3_600_000, jitter: 0.2 },
})
