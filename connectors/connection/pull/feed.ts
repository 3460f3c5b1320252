import { scopeOf } from '../../mapping/path.ts'
import type { PulledRow } from '../contract.ts'
import type { Delta } from '../definition/object.ts'
import type { Refuse } from '../pages/pager.ts'
import { failureOf } from '../request/failure.ts'
import { beginOf, expiryOf, floorTo, micros, untilOf } from './bounds.ts'
import type { Chunks } from './chunk.ts'
import type { ObjectContext } from './context.ts'
import type { At } from './position.ts'
import { readPages, refuseOf } from './readPage.ts'
import { readRecord } from './readRecord.ts'
import { deletedRow, idText } from './rows.ts'

/** The events of one run about one record. */
interface Named {
  /** The time of its first event: the record is read in that order. */
  first: bigint
  last: bigint
  /** Whether each event of its last moment says that it is gone. */
  gone: boolean
}

const chunkRows = 100
const readsAtOnce = 8
/** Records that the events of one run may name; more are read as a whole. */
const namedMax = 1_000_000

type FeedDelta = Extract<Delta, { how: 'feed' }>

/**
 * Reads the events since the last bound and then each record that they name, because an event is a
 * hint (rule 5). Records are read in the order of their first event: the time of the last one read
 * is a position, whichever order the events come in.
 */
export async function* pullFeed(ctx: ObjectContext, delta: FeedDelta, at: At): Chunks {
  const { times } = delta.feed
  const since = at.since ?? micros(ctx.now())
  const until = untilOf(ctx.now(), times)
  const named = await readEvents(ctx, delta, beginOf(since, times), until)
  const ordered = [...named].sort(([, a], [, b]) => compare(a.first, b.first))
  const refuse = refuseOf(nameOf(ctx))
  for (let i = 0; i === 0 || i < ordered.length; i += chunkRows) {
    const part = ordered.slice(i, i + chunkRows)
    const rows = await readNamed(ctx, part)
    const last = i + chunkRows >= ordered.length
    // The next records may have events of the same moment, so the position is before it.
    const reached = floorTo((part.at(-1)?.[1].first ?? since) - times.grain, times.grain)
    const bound = last ? until : reached
    const to = bound > since ? bound : since
    yield {
      rows,
      mode: 'DELTA',
      at: { ...at, since: to },
      expiresAt: expiryOf(to, times.expiresMs),
      last,
      total: null,
      refuse,
    }
  }
}

async function readEvents(
  ctx: ObjectContext,
  { feed, types, isOne, isGone, idOf }: FeedDelta,
  begin: bigint,
  until: bigint,
): Promise<Map<string, Named>> {
  const named = new Map<string, Named>()
  const ask = {
    listing: feed.listing,
    values: { since: begin, until, types },
    times: feed.times.form,
    idOf: (event: Record<string, unknown>, refuse: Refuse) =>
      idText(feed.id.first(scopeOf(event))) ??
      refuse('ROW_WITHOUT_ID', `an event has no id at ${feed.id.text}`),
  }
  for await (const { rows, refuse } of readPages(ctx, ask)) {
    let older = false
    for (const event of rows) {
      const scope = scopeOf(event)
      const moment = feed.at(scope)
      if (moment === null)
        return refuse('ROW_WITHOUT_VERSION', 'an event has no time where at: says')
      if (moment < begin) older = true
      const type = String(feed.type.first(scope) ?? '')
      if (moment < begin || moment > until || !isOne(type)) continue
      const id = idOf(scope)
      if (id === null)
        return refuse(
          'ROW_WITHOUT_ID',
          `an event of the type ${type} names no record where id: says`,
        )
      named.set(id, merged(named.get(id), moment, isGone(type)))
      if (named.size > namedMax)
        throw failureOf(nameOf(ctx), {
          verdict: 'GONE',
          code: 'TOO_MANY_EVENTS',
          what: `the events since the last run name more than ${namedMax} records`,
        })
    }
    if (older && feed.order === 'newest') break
  }
  return named
}

function merged(before: Named | undefined, at: bigint, gone: boolean): Named {
  if (!before) return { first: at, last: at, gone }
  const first = at < before.first ? at : before.first
  if (at > before.last) return { first, last: at, gone }
  return { first, last: before.last, gone: at < before.last ? before.gone : before.gone && gone }
}

async function readNamed(
  ctx: ObjectContext,
  part: readonly (readonly [string, Named])[],
): Promise<PulledRow[]> {
  const rows: PulledRow[] = []
  for (let i = 0; i < part.length; i += readsAtOnce)
    rows.push(
      ...(await Promise.all(
        part
          .slice(i, i + readsAtOnce)
          .map(async ([id, { gone, last }]) =>
            gone
              ? deletedRow(ctx.object.name, id, last)
              : ((await readRecord(ctx, id)) ?? deletedRow(ctx.object.name, id, last)),
          ),
      )),
    )
  return rows
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function nameOf({ source, object }: ObjectContext) {
  return { source, object: object.name, method: 'GET', path: 'events' }
}
