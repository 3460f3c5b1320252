import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase, type Sql } from '../../../mdm/db/database.ts'
import { everything } from '../../../mdm/feed/filter.ts'
import { Deliverer, type DelivererOptions } from '../../../mdm/webhooks/deliverer.ts'
import type { EndpointSettings } from '../../../mdm/webhooks/endpoints.ts'
import { createPoster } from '../../../mdm/webhooks/post.ts'
import { Vault } from '../../../mdm/webhooks/secrets.ts'
import type { Reach } from '../../../mdm/webhooks/url.ts'
import { registerWebhook, type Webhooks } from '../../../mdm/webhooks/webhooks.ts'
import { parseNetwork } from '../../../schema/kit/networkAddress.ts'
import { policy } from '../../fixtures/store.ts'

/** Creates webhooks that may reach the loopback at these ports. */
export function webhooksAt(sql: Sql, ports: readonly number[], timeoutMs = 2_000): Webhooks {
  const reach: Reach = { networks: [parseNetwork('127.0.0.1')], http: true, ports }
  return {
    sql,
    vault: new Vault([Buffer.alloc(32, 7)]),
    reach,
    poster: createPoster({ reach, timeoutMs }),
  }
}

export async function register(
  webhooks: Webhooks,
  url: string,
  part: Partial<EndpointSettings> = {},
): Promise<{ id: string; secret: string }> {
  const settings = {
    url,
    description: '',
    filter: everything,
    schemaVersion: 1,
    scopes: ['pii:read'],
    ...part,
  }
  const done = await registerWebhook(webhooks, 'tester', settings, null, null)
  if (done.code !== 'DONE' || !done.secret) throw new Error(JSON.stringify(done))
  return { id: done.id, secret: done.secret }
}

/** A clock that moves only when a test sets it. */
export interface TestClock {
  now: number
}

export interface Deliveries {
  deliverer: Deliverer
  lines: string[]
  close(): Promise<void>
}

export async function deliver(
  url: string,
  webhooks: Webhooks,
  clock: TestClock,
  part: Partial<DelivererOptions> = {},
): Promise<Deliveries> {
  const sql = openDatabase(url, { connectionsMax: 4, name: 'test-deliver' })
  const lines: string[] = []
  const deliverer = new Deliverer({
    sql,
    policy: () => policy,
    vault: webhooks.vault,
    poster: webhooks.poster,
    log: (_, line) => lines.push(line),
    now: () => clock.now,
    pollMs: 5,
    ...part,
  })
  await deliverer.start()
  return {
    deliverer,
    lines,
    async close() {
      await deliverer.stop(1_000)
      await sql.end({ timeout: 5 })
    },
  }
}

/** Waits for a condition that must become true; the timeout of the test is the bound. */
export async function until(
  what: () => boolean | Promise<boolean>,
  each: () => void = () => {},
): Promise<void> {
  while (!(await what())) {
    each()
    await sleep(5)
  }
}

/** Returns true once an endpoint has processed everything up to the head. */
export async function idle(sql: Sql, id: string): Promise<boolean> {
  const [row] = await sql<{ idle: boolean }[]>`
    select w.position = h.position
      and not exists (select from webhook_parked p where p.webhook = w.id)
      and not exists (select from webhook_delivery d where d.webhook = w.id and d.state in ('RETRYING', 'REPLAY')) as idle
    from webhook w, feed_head h where w.id = ${id}`
  return row?.idle ?? false
}
