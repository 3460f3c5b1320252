import { openDatabase } from '../../../mdm/db/database.ts'
import { Publisher, type PublisherOptions } from '../../../mdm/jetstream/publisher.ts'
import { ChangeStream, type NatsOptions } from '../../../mdm/jetstream/stream.ts'
import type { CloudEvent } from '../../../schema/cloudEvent.ts'
import { policy } from '../../fixtures/store.ts'

export function natsAt(url: string, stream = 'TOUCHSTONE'): NatsOptions {
  return { servers: [url], stream, subject: `${stream.toLowerCase()}.changes`, replicas: 1 }
}

export interface Publishing {
  publisher: Publisher
  lines: string[]
  close(): Promise<void>
}

export function publish(
  databaseUrl: string,
  nats: NatsOptions,
  part: Partial<PublisherOptions> = {},
): Publishing {
  const sql = openDatabase(databaseUrl, { connectionsMax: 3, name: 'test-publish' })
  const lockSql = openDatabase(databaseUrl, { connectionsMax: 1, name: 'test-publish-lock' })
  const lines: string[] = []
  const log = (_: string, line: string) => lines.push(line)
  const publisher = new Publisher({
    sql,
    lockSql,
    nats,
    scopes: new Set(),
    policy: () => policy,
    log,
    ...part,
  })
  publisher.start()
  return {
    publisher,
    lines,
    async close() {
      await publisher.stop()
      await Promise.all([sql.end({ timeout: 1 }), lockSql.end({ timeout: 1 })])
    },
  }
}

export interface Stored {
  sequence: number
  subject: string
  id: string
  event: CloudEvent
}

/** Returns all messages of a stream, in order. */
export async function contents(nats: NatsOptions): Promise<Stored[]> {
  const stream = await ChangeStream.open(nats, 'test')
  try {
    const all: Stored[] = []
    const end = (await stream.end())?.sequence ?? 0
    if (end === 0) return all
    const consumer = await stream.js.consumers.get(nats.stream)
    const messages = await consumer.consume()
    for await (const m of messages) {
      all.push({
        sequence: m.seq,
        subject: m.subject,
        id: m.headers?.get('Nats-Msg-Id') ?? '',
        event: m.json(),
      })
      if (m.seq === end) break
    }
    return all
  } finally {
    await stream.close()
  }
}
