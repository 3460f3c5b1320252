import { Limiter } from '../../../connectors/connection/limits/limiter.ts'
import { createRequestRates } from '../../../mdm/connections/requestRates.ts'
import { openDatabase } from '../../../mdm/db/database.ts'

// Asks a system as often as a shared limit lets it, eight requests at a time, until it is ended.
// LIMIT is `40/2000` for a rate, and `4` for requests at one time.

const { DATABASE_URL: url = '', SYSTEM: system = '', LIMIT = '' } = process.env
const [max = 0, perMs = null] = LIMIT.split('/').map(Number)
const name = perMs === null ? 'concurrent' : 'per time'
const sql = openDatabase(url, { name: 'test-rate', connectionsMax: 1 })
const definition = { name, perMs, max, setting: null, path: null }
const rates = createRequestRates(sql)
const limiter = new Limiter([definition], () => max, undefined, {
  ...{ rates, credential: 'a', answerMsMax: 500 },
})
await sql`select 1`
process.send?.('ready')
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
await Promise.all(
  Array.from({ length: 8 }, async () => {
    while (!stop.signal.aborted) {
      const permit = await limiter.acquire('/', stop.signal).catch(() => null)
      if (!permit) break
      await fetch(`${system}/${process.pid}`).then((response) => response.text())
      permit.release()
    }
  }),
)
await rates.close()
await sql.end()
process.disconnect()
