import { parseArgs } from 'node:util'
import { encodeCursor } from '../mdm/feed/cursor.ts'
import { readHead } from '../mdm/feed/read.ts'
import { benchProcesses } from './feed/processes.ts'
import type { CaughtUp, FeedPlan, Result } from './feed/protocol.ts'

/**
 * A subscriber a million events behind catches up while others are live in the same gateway
 * process. Measures its speed and the effect on the live ones. The events are created with plain
 * SQL in the feed's own form: ten versions of each golden record, with values of ordinary size.
 * Everything else is the real path.
 *
 * npm run bench -- catchUp [--events 1000000] [--live 50] [--rate 20] [--seconds 20]
 */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    live: { type: 'string', default: '50' },
    rate: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '20' },
  },
})
const [events, subscribers, perSecond] = [
  Number(values.events),
  Number(values.live),
  Number(values.rate),
]
const targetPerSecond = 20_000
const versions = 10

const bench = await benchProcesses()
let ok = false
try {
  const { sql, databaseUrl } = bench
  let began = performance.now()
  await sql.unsafe('set statement_timeout = 0')
  await sql.unsafe(`
    insert into change (position, golden_id, type, version, op, values, provenance, changed, members, policy_version, cause, at)
    select n, id, 'Customer', v, case when v = 1 then 'CREATED' else 'UPDATED' end,
      jsonb_build_object('name', 'Kunde ' || r || ' Maschinenbau GmbH', 'legalName', 'Kunde Maschinenbau GmbH & Co. KG',
        'emails', jsonb_build_array('info@kunde.example', 'einkauf@kunde.example'),
        'billingAddress', '{"street": "Hauptstraße 1", "city": "Hamburg", "postcode": "20457", "country": "DE"}'::jsonb,
        'paymentTerms', 'NET' || (30 + v), 'currency', 'EUR'),
      jsonb_build_object('name', jsonb_build_object('r', jsonb_build_array(id), 'u', 'SYSTEM_OF_RECORD')),
      array['paymentTerms'], array[id], 'bench', jsonb_build_object('source', 'erp', 'object', 'customer', 'sourceId', id, 'inboxId', n,
        'correlationId', id), now()
    from (select n, (n - 1) / ${versions} as r, ((n - 1) % ${versions} + 1)::int as v,
        overlay(overlay(md5(((n - 1) / ${versions})::text) placing '4' from 13) placing '8' from 17)::uuid as id
      from generate_series(1, ${events}) n) e`)
  await sql.unsafe(`update feed_head set position = ${events}`)
  await sql.unsafe('analyze change')
  console.log(
    `${events.toLocaleString('en')} events made in ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  )
  const gateway = await bench.startGateway()
  const { epoch } = await readHead(sql)
  const live = (seconds: number): FeedPlan => ({
    do: 'feed',
    url: gateway.url,
    databaseUrl,
    subscribers,
    perSecond,
    events: Math.round(perSecond * seconds),
    entity: false,
  })
  const catchUp = async (upTo: number) => {
    const after = encodeCursor(epoch, { kind: 'TAIL', position: 0 })
    return await bench.measured<CaughtUp>({ do: 'catchUp', url: gateway.url, after, upTo })
  }
  await bench.measured(live(5)) // warm-up
  await catchUp(Math.min(events, 50_000))
  const alone = await bench.measured<Result>(live(Number(values.seconds)))
  report('live ones alone', alone)
  began = performance.now()
  const undisturbed = await catchUp(events)
  printCatchUp('catching up, with nobody live', undisturbed)
  const [beside, behind] = await Promise.all([
    bench.measured<Result>(live(Math.max(3, undisturbed.seconds))),
    catchUp(events),
  ])
  printCatchUp('catching up, beside the live ones', behind)
  report('live ones meanwhile', beside)
  const perSecondOf = (r: Result) => r.delivered / r.seconds
  const rate = perSecondOf(beside) / perSecondOf(alone)
  console.log(
    `  rate of the live ones: ${(100 * rate).toFixed(1)} %; their p50 ${(beside.ms.p50 - alone.ms.p50).toFixed(1)} ms later`,
  )
  const fast = behind.events / behind.seconds >= targetPerSecond
  const whole = behind.misplaced === 0 && beside.missed === 0 && beside.twice === 0
  ok = fast && whole && rate >= 0.9
  console.log(
    `  target >= ${targetPerSecond.toLocaleString('en')} events/s, live ones at least 90 %: ${ok ? 'met' : 'MISSED'}`,
  )
  await gateway.stop()
} finally {
  await bench.close()
}
process.exitCode = ok ? 0 : 1

function printCatchUp(what: string, r: CaughtUp): void {
  const rate = Math.round(r.events / r.seconds).toLocaleString('en')
  console.log(
    `${what}: ${r.events.toLocaleString('en')} events in ${r.seconds.toFixed(1)} s, ${rate}/s; misplaced ${r.misplaced}`,
  )
}

function report(what: string, r: Result): void {
  console.log(
    `${what}: ${subscribers} at ${perSecond} events/s: p50 ${r.ms.p50.toFixed(1)} ms, p99 ${r.ms.p99.toFixed(1)} ms; ` +
      `${Math.round(r.delivered / r.seconds).toLocaleString('en')} deliveries/s; missed ${r.missed}, twice ${r.twice}`,
  )
}
