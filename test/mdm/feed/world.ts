import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../../../mdm/db/database.ts'
import { appendChanges, type NewChange } from '../../../mdm/feed/append.ts'
import { everything } from '../../../mdm/feed/filter.ts'
import type { FeedItem, FollowOptions } from '../../../mdm/feed/follow.ts'
import type { ChangeEvent } from '../../../schema/events.ts'

/** Returns a version of a golden record in the form that the pipeline appends. */
export function version(
  goldenId: string,
  number: number,
  part: Partial<NewChange> = {},
): NewChange {
  const values =
    part.values === undefined ? { name: `${goldenId.slice(0, 8)} v${number}`, number } : part.values
  return {
    goldenId,
    type: 'Customer',
    version: number,
    op: number === 1 ? 'CREATED' : 'UPDATED',
    provenance: values && { name: { r: goldenId, u: 'MOST_RECENT' } },
    redirect: null,
    changed: ['number'],
    members: [goldenId],
    policyVersion: 'test',
    cause: {
      source: 'crm',
      object: 'Account',
      sourceId: goldenId,
      inboxId: number,
      correlationId: randomUUID(),
    },
    ...part,
    values,
  }
}

export async function append(sql: Sql, ...events: NewChange[]): Promise<number> {
  return await sql.begin((tx) => appendChanges(tx, events))
}

/**
 * Creates `count` golden records with one version each. Returns their ids in the order of their
 * positions.
 */
export async function create(
  sql: Sql,
  count: number,
  part: Partial<NewChange> = {},
): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID())
  for (let i = 0; i < count; i += 500)
    await append(sql, ...ids.slice(i, i + 500).map((id) => version(id, 1, part)))
  return ids
}

export interface Traffic {
  /** Number of transactions, including those that are rolled back. */
  transactions: number
  connections: number
  goldenIds: string[]
  /** Returns a random number in [0, 1). */
  random: () => number
}

/**
 * Runs writers on several connections. Each transaction locks one to four golden records in order,
 * as the pipeline does, and pauses randomly before and after the append. One in five is rolled
 * back. Tombstones and revivals occur too. Returns the number of committed events.
 */
export async function writeTraffic(sql: Sql, traffic: Traffic): Promise<{ committed: number }> {
  const { random, goldenIds } = traffic
  let left = traffic.transactions
  let committed = 0
  const rollback = new Error('rolled back on purpose')
  const one = async () => {
    while (left-- > 0) {
      const ids = [
        ...new Set(
          Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(goldenIds, random)),
        ),
      ].sort()
      const [before, after, fails] = [random() * 4, random() * 4, random() < 0.2]
      const tombstone = random() < 0.1
      try {
        await sql.begin(async (tx) => {
          for (const id of ids) await tx`select pg_advisory_xact_lock(hashtextextended(${id}, 0))`
          const known = new Map(
            (
              await tx<{ id: string; version: number; state: string }[]>`
                select id, version, state from golden where id = any(${ids}::uuid[])`
            ).map((g) => [g.id, g]),
          )
          await sleep(before)
          const events = ids.map((id) => {
            const g = known.get(id)
            const number = (g?.version ?? 0) + 1
            if (tombstone && g?.state === 'ACTIVE')
              return version(id, number, { op: 'DELETED', values: null })
            return version(id, number, { op: g?.state === 'ACTIVE' ? 'UPDATED' : 'CREATED' })
          })
          await appendChanges(tx, events)
          await sleep(after)
          if (fails) throw rollback
          committed += events.length
        })
      } catch (e) {
        if (e !== rollback) throw e
      }
    }
  }
  await Promise.all(Array.from({ length: traffic.connections }, one))
  return { committed }
}

function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

export const fromNow: FollowOptions = { after: null, snapshot: false, filter: everything }

/**
 * Reads items until one satisfies `until`, which is the last that it returns, then ends the
 * subscription.
 */
export async function take(
  items: AsyncIterableIterator<FeedItem>,
  until: (item: FeedItem, all: FeedItem[]) => boolean,
): Promise<FeedItem[]> {
  const all: FeedItem[] = []
  for await (const item of items) {
    all.push(item)
    if (until(item, all)) break
  }
  return all
}

export const caughtUp = (item: FeedItem): boolean => item.kind === 'CAUGHT_UP'

export function eventsOf(items: readonly FeedItem[]): ChangeEvent[] {
  return items.flatMap((i) => (i.kind === 'CHANGE' ? [i.event] : []))
}

/** Creates a seeded generator (mulberry32), so that a failure can be reproduced. */
export function seeded(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
