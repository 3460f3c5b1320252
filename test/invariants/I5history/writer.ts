import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../../mdm/db/database.ts'
import { appendChanges } from '../../../mdm/feed/append.ts'
import { version } from '../../mdm/feed/world.ts'
import type { Written } from './check.ts'
import { Notes } from './notes.ts'

/**
 * A process of writers that runs until it is stopped or killed: `node writer.ts URL NOTES
 * CONNECTIONS GOLDEN-IDS`.
 */
const [url = '', path = '', connections = '', goldenIds = ''] = process.argv.slice(2)
const ids = goldenIds.split(',')
const sql = openDatabase(url, { connectionsMax: Number(connections), name: 'test-writer' })
const notes = new Notes(path)
let stopping = false
process.on('message', () => {
  stopping = true
})

const pick = () => ids[Math.floor(Math.random() * ids.length)] ?? ''
const rollback = new Error('rolled back on purpose')

async function write(): Promise<void> {
  while (!stopping) {
    const chosen = [
      ...new Set(Array.from({ length: 1 + Math.floor(Math.random() * 4) }, pick)),
    ].sort()
    const tombstone = Math.random() < 0.1
    let tried: Written[] = []
    try {
      await sql.begin(async (tx) => {
        for (const id of chosen) await tx`select pg_advisory_xact_lock(hashtextextended(${id}, 0))`
        const known = await tx<{ id: string; version: number; state: string }[]>`
          select id, version, state from golden where id = any(${chosen}::uuid[])`
        const events = chosen.map((id) => {
          const g = known.find((k) => k.id === id)
          const values = tombstone && g?.state === 'ACTIVE' ? null : { name: randomUUID() }
          const op = values === null ? 'DELETED' : g?.state === 'ACTIVE' ? 'UPDATED' : 'CREATED'
          return version(id, (g?.version ?? 0) + 1, { op, values })
        })
        await sleep(Math.random() * 5)
        await appendChanges(tx, events)
        await sleep(Math.random() * 5)
        if (Math.random() < 0.15) throw rollback
        tried = events.map((e) => ({ goldenId: e.goldenId, version: e.version, values: e.values }))
        notes.add({ tried })
      })
      notes.add({ acknowledged: tried })
    } catch (e) {
      // The database is restarting, or the transaction was meant to fail; an unacknowledged one may
      // still be committed.
      if (e !== rollback) await sleep(30)
    }
  }
}

await Promise.all(Array.from({ length: Number(connections) }, write))
notes.close()
await sql.end({ timeout: 1 })
process.disconnect()
