import { setTimeout as sleep } from 'node:timers/promises'
import { type Attack, atOnce, counts, SYSTEMS } from './attack.ts'
import { signedHeaders } from './product.ts'
import { hostileDelivery } from './records.ts'
import { type Answer, inParallel, send } from './requests.ts'
import { checkSlow, noteSlow, type SlowRequest } from './slow.ts'

const recordsPerDelivery = 20

/** Posts signed deliveries of every kind of source, with innocent ones in between. */
export async function attackIngest(at: Attack, records: number, large: number): Promise<string> {
  const { product, source, findings } = at
  const { origin } = product
  const statuses = new Map<number, number>()
  const slow: SlowRequest[] = []
  let sent = 0
  let number = 0
  function* deliveries() {
    for (let n = 0; sent < records; n++) {
      const d = hostileDelivery(source, source.one(SYSTEMS), recordsPerDelivery)
      sent += d.records.length
      yield d
      if (n % 10 === 0) yield innocentDelivery(n)
    }
    for (let n = 0; n < large; n++) {
      const text = JSON.stringify(source.long(source.one([200_000, 1_000_000])))
      const body = source.one([
        `{"shop_customer_id":"B-${n}","company_name":${text}}`,
        `{"shop_customer_id":"B-${n}",${text}:1}`,
        `{"shop_customer_id":${text}}`,
        `{"shop_customer_id":"B-${n}","a":${'['.repeat(400_000)}}`,
        `{"shop_customer_id":"B-${n}","a":${'9'.repeat(900_000)}}`,
      ])
      yield {
        system: 'webshop' as const,
        path: 'webshop/customers',
        body,
        headers: {},
        records: [],
      }
    }
  }
  await inParallel(deliveries(), atOnce, async (d) => {
    const headers = signedHeaders(d, `msg_${number++}`)
    let answer: Answer
    for (;;) {
      answer = await send(origin, { path: `/ingest/${d.path}`, headers, body: d.body })
      if (answer.status !== 429) break
      await sleep(200)
    }
    noteSlow(slow, { path: `/ingest/${d.path}`, headers, body: d.body, ms: answer.ms })
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    if (answer.status >= 500)
      findings.add(`HTTP ${answer.status} of a delivery`, d.body, answer.text)
    else if (answer.status === 202 || answer.status === 200)
      at.accepted.count += (JSON.parse(answer.text) as { accepted: number }).accepted
    else if (answer.status !== 400 && answer.status !== 413 && !wasCutOff(answer, d.body))
      findings.add(`HTTP ${answer.status} of a signed delivery`, d.body, answer.text)
  })
  await checkSlow(at, slow)
  return `${sent} records in deliveries, statuses ${counts(statuses)}`
}

function innocentDelivery(number: number) {
  return {
    system: 'webshop' as const,
    path: 'webshop/customers',
    body: JSON.stringify({
      shop_customer_id: `I-${number}`,
      company_name: `Innocent ${number} Ltd`,
      modified_at: '2026-01-01T00:00:00Z',
    }),
    headers: {},
    records: [],
  }
}

const bodyBytesMax = 1_048_576

/** Returns true if the connection was closed while a body was sent that is too large. */
function wasCutOff({ status }: Answer, body: string): boolean {
  return status === 0 && Buffer.byteLength(body) > bodyBytesMax
}
