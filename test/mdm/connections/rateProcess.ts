import { Limiter } from '../../../connectors/connection/limits/limiter.ts'
import { createRequestRates } from '../../../mdm/connections/requestRates.ts'
import { openDatabase } from '../../../mdm/db/database.ts'

// Asks a system as often as a shared rate lets it, eight requests at a time, until it is ended.

const { DATABASE_URL: url = '', SYSTEM: system = '', RATE = '' } = process.env
const [max = 0, perMs = 0] = RATE.split('/').map(Number)
const sql = openDatabase(url, { name: 'test-rate', connectionsMax: 1 })
const definition = { name: 'per time', perMs, max, setting: null, path: null }
const limiter = new Limiter([definition], () => max, undefined, {
  ...{ rates: createRequestRates(sql), credential: 'a', answerMsMax: 500 },
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
      await fetch(system).then((response) => response.text())
      permit.release()
    }
  }),
)
await sql.end()
process.disconnect()
