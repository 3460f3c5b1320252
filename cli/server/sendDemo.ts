import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Sql } from '../../mdm/db/database.ts'
import type { DemoData, DemoWorld } from './demoData.ts'
import { resourceLimits } from './ingestRole.ts'

interface Marker extends DemoWorld {
  /** Identifies the database: the demo world is sent again to another one. */
  feed: string
  done: boolean
}

/**
 * Returns true if the demo world must be sent: to an empty database, or to resume an interrupted
 * start. Messages that are already stored are recognized by their ids. A marker file beside the
 * data records it.
 */
export async function isDemoDue(sql: Sql, dataDir: string, world: DemoWorld): Promise<boolean> {
  const feed = await feedOf(sql)
  const marker = readMarker(dataDir)
  if (marker?.feed === feed) return !marker.done
  const any = await sql`select 1 from inbox limit 1`
  if (any.length > 0) return false
  writeMarker(dataDir, { ...world, feed, done: false })
  return true
}

/** Returns whether the demo world was sent to the database, or is being sent. */
export async function hasDemo(sql: Sql, dataDir: string): Promise<boolean> {
  const marker = readMarker(dataDir)
  return marker !== null && marker.feed === (await feedOf(sql))
}

/**
 * Sends the demo world through the accept path, on a thread of its own. Returns the number of sent
 * messages.
 */
export async function sendDemo(options: {
  sql: Sql
  databaseUrl: string
  dataDir: string
  sources: string | undefined
  world: DemoWorld
  signal: AbortSignal
  onSent: (sent: number) => void
}): Promise<number> {
  const { databaseUrl, sources, signal } = options
  const feed = await feedOf(options.sql)
  const { companies, seed } = readMarker(options.dataDir) ?? options.world
  const worker = new Worker(new URL('./demoWorker.ts', import.meta.url), {
    workerData: { databaseUrl, sources, companies, seed } satisfies DemoData,
    resourceLimits,
  })
  const stop = () => void worker.terminate()
  signal.addEventListener('abort', stop, { once: true })
  let sent = 0
  const code = await new Promise<number>((resolve, reject) => {
    worker.on('message', (count: number) => {
      sent = count
      options.onSent(count)
    })
    worker.once('error', reject)
    worker.once('exit', resolve)
  })
  signal.removeEventListener('abort', stop)
  if (code === 0 && !signal.aborted)
    writeMarker(options.dataDir, { companies, seed, feed, done: true })
  return sent
}

async function feedOf(sql: Sql): Promise<string> {
  const [head] = await sql<{ feed: string }[]>`select feed from feed_head`
  return head?.feed ?? ''
}

function readMarker(dataDir: string): Marker | null {
  const file = join(dataDir, 'demo.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Marker) : null
}

function writeMarker(dataDir: string, marker: Marker): void {
  // With an external database nothing else has created the folder yet.
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(join(dataDir, 'demo.json'), `${JSON.stringify(marker)}\n`)
}
