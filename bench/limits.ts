import { performance } from 'node:perf_hooks'
import { Limiter } from '../connectors/connection/limits/limiter.ts'
import { createRequestRates } from '../mdm/connections/requestRates.ts'
import { testDatabase } from '../test/database.ts'

// What a request costs that waits for `concurrent: 4`, counted in this process alone and over all
// processes, in turns. Nothing is asked: the limit alone.
// npm run bench -- limits
const perTurn = 20_000
const turns = 10

const db = await testDatabase()
const rates = createRequestRates(db.sql)
const definition = { name: 'concurrent', perMs: null, max: 4, setting: null, path: null }
const shared = { rates, credential: 'a', answerMsMax: 60_000 }
const limiters = [null, shared].map((s) => new Limiter([definition], () => 4, undefined, s))
const { signal } = new AbortController()

/** Eight at a time wait for four places, each over one turn of the event loop. */
async function turn(limiter: Limiter): Promise<number> {
  const began = performance.now()
  let left = perTurn
  const one = async () => {
    while (left-- > 0) {
      const permit = await limiter.acquire('/', signal)
      await new Promise((resolve) => setImmediate(resolve))
      permit.release()
    }
  }
  await Promise.all(Array.from({ length: 8 }, one))
  return ((performance.now() - began) / perTurn) * 1_000
}

const us: number[][] = limiters.map(() => [])
for (let n = 0; n <= turns; n++)
  for (const [i, limiter] of limiters.entries()) {
    const took = await turn(limiter)
    if (n > 0) us[i]?.push(took)
  }
const median = (values: readonly number[] = []) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const apart = us[0]?.map((own, i) => (us[1]?.[i] ?? Number.NaN) - own)
console.log(
  `µs a request, median of ${turns} turns of ${perTurn}: ${median(us[0]).toFixed(2)} in this process alone, ${median(us[1]).toFixed(2)} over all processes; difference of pairs ${median(apart).toFixed(2)} (${apart?.map((d) => d.toFixed(2)).join(' ')})`,
)
await rates.close()
await db.drop()
