import { randomUUID } from 'node:crypto'
import type { Connector } from '../../connectors/contract.ts'
import { queueOf } from '../../connectors/queueOf.ts'
import { type WorldOptions, worldMessages } from '../../demo/world.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { accept, type NewMessage } from '../../mdm/inbox/accept.ts'

const rowsPerStatement = 2_000

/**
 * Sends a demo world through the accept path of webhooks and file loads. Its connector splits and
 * names each message, which is then written to the inbox. It does not count for the service levels:
 * no source system sends years of data in a second. Returns how many messages were new.
 * `onProgress` receives the count so far.
 */
export async function acceptWorld(
  sql: Sql,
  connectors: ReadonlyMap<string, Connector>,
  world: WorldOptions,
  onProgress: (sent: number) => void = () => {},
): Promise<{ sent: number; accepted: number }> {
  const total = { sent: 0, accepted: 0 }
  let waiting: NewMessage[] = []
  const flush = async () => {
    total.accepted += (await accept(sql, waiting, { measured: false })).accepted
    total.sent += waiting.length
    waiting = []
    onProgress(total.sent)
  }
  for (const m of worldMessages(world)) {
    const connector = connectors.get(m.source)
    if (!connector)
      throw new Error(`the demo world needs a source system "${m.source}" in the configuration`)
    for (const message of connector.split(m.body, m.object, null))
      waiting.push({
        ...message,
        source: m.source,
        correlationId: randomUUID(),
        ...queueOf(connector, message.object),
      })
    if (waiting.length >= rowsPerStatement) await flush()
  }
  await flush()
  return total
}
