/**
 * The writes that a writer noted before it committed (`tried`) and after the commit was
 * acknowledged (`acknowledged`).
 */
export interface WriterNotes {
  tried: Written[]
  acknowledged: Written[]
}
export interface Written {
  goldenId: string
  version: number
  values: unknown
}

/** A row of `change`. */
export interface Stored extends Written {
  position: number
  atMs: number
}

/**
 * An item that a subscriber received, in order. It is noted with its cursor, so a restart resumes
 * after the last one.
 */
export type Got =
  | { kind: 'Snapshot'; goldenId: string; version: number; values: unknown }
  | {
      kind: 'Change'
      position: number
      goldenId: string
      version: number
      before: unknown
      after: unknown
    }
  | { kind: 'CaughtUp'; position: number }

export interface SubscriberNotes {
  name: string
  /** The golden ids that it requested; null means all. */
  ids: string[] | null
  /** The position after which it started; null means that it began with a snapshot. */
  from: number | null
  got: Got[]
}

export interface History {
  stored: Stored[]
  golden: { id: string; version: number; state: string; values: unknown }[]
  writers: WriterNotes[]
  subscribers: SubscriberNotes[]
}

const same = (a: unknown, b: unknown) => canonical(a) === canonical(b)
const keyOf = (e: { goldenId: string; version: number }) => `${e.goldenId} v${e.version}`

/**
 * Returns every contradiction of a history to docs/FEED.md as text, or an empty list. It is pure,
 * so the checker can be tested with incorrect histories.
 */
export function check(history: History): string[] {
  return [
    ...positions(history),
    ...writes(history),
    ...golden(history),
    ...history.subscribers.flatMap((s) => delivery(history, s)),
  ]
}

/** 1.2, 1.3, 1.4: dense, in time order, versions dense for each record. */
function positions({ stored }: History): string[] {
  const found: string[] = []
  const versions = new Map<string, number>()
  for (const [i, e] of stored.entries()) {
    if (e.position !== i + 1) found.push(`position ${e.position} stands where ${i + 1} belongs`)
    if (i > 0 && e.atMs < (stored[i - 1]?.atMs ?? 0))
      found.push(`position ${e.position} is older than the one before`)
    const expected = (versions.get(e.goldenId) ?? 0) + 1
    if (e.version !== expected)
      found.push(`position ${e.position}: ${keyOf(e)} where v${expected} belongs`)
    versions.set(e.goldenId, e.version)
  }
  return found
}

/** I4 and durability: each acknowledged write is stored once, and each stored write was tried. */
function writes({ stored, writers }: History): string[] {
  const found: string[] = []
  const byKey = Map.groupBy(stored, keyOf)
  const tried = new Map<string, unknown[]>()
  for (const t of writers.flatMap((w) => w.tried))
    tried.set(keyOf(t), [...(tried.get(keyOf(t)) ?? []), t.values])
  for (const [key, rows] of byKey) {
    if (rows.length > 1) found.push(`${key} is there ${rows.length} times`)
    if (!tried.get(key)?.some((v) => same(v, rows[0]?.values)))
      found.push(`${key} is there, but nobody wrote it so`)
  }
  for (const a of writers.flatMap((w) => w.acknowledged)) {
    const row = byKey.get(keyOf(a))?.[0]
    if (!row) found.push(`${keyOf(a)} was acknowledged and is lost`)
    else if (!same(row.values, a.values))
      found.push(`${keyOf(a)} was acknowledged with other values`)
  }
  return found
}

/** I4: the golden records equal their last events. */
function golden({ stored, golden }: History): string[] {
  const last = new Map(stored.map((e) => [e.goldenId, e]))
  const found = golden.flatMap((g) => {
    const e = last.get(g.id)
    if (e?.version !== g.version)
      return [`golden ${g.id} is at v${g.version}, its last event says v${e?.version}`]
    if ((e.values === null) === (g.state === 'ACTIVE'))
      return [`golden ${g.id} is ${g.state} against its last event`]
    return e.values !== null && !same(e.values, g.values)
      ? [`golden ${g.id} differs from its last event`]
      : []
  })
  if (last.size !== golden.length)
    found.push(`${last.size} records have events, ${golden.length} are in golden`)
  return found
}

/** 3.1, 5.1, 5.2: every event exactly once and in order, and no gap or overlap after a snapshot. */
function delivery({ stored }: History, { name, ids, from, got }: SubscriberNotes): string[] {
  const found: string[] = []
  const wanted = (id: string) => ids === null || ids.includes(id)
  const changes = got.filter((g) => g.kind === 'Change')
  const snapshot = got.filter((g) => g.kind === 'Snapshot')
  let start = from
  if (start === null) {
    // A snapshot does not reveal its position. It is the one whose state equals the snapshot and
    // that fits the next event.
    const first = changes[0]?.position ?? stored.length + 1
    start =
      candidates(stored, first, wanted).find((p) =>
        same(table(stored, p, wanted), snapshotTable(snapshot)),
      ) ?? null
    if (start === null)
      return [`${name}: the snapshot is the state at no position before its first event, ${first}`]
    if (new Set(snapshot.map((s) => s.goldenId)).size !== snapshot.length)
      found.push(`${name}: a record twice in the snapshot`)
  } else if (snapshot.length > 0) found.push(`${name}: a snapshot that nobody asked for`)
  const after = start
  const expected = stored.filter((e) => e.position > after && wanted(e.goldenId))
  const before = new Map(stored.map((e) => [keyOf(e), e.values]))
  for (let i = 0; i < Math.max(expected.length, changes.length) && found.length < 5; i++) {
    const [e, c] = [expected[i], changes[i]]
    if (!e) found.push(`${name}: position ${c?.position} is more than there is`)
    else if (!c) found.push(`${name}: position ${e.position} is missing at the end`)
    else if (c.position !== e.position)
      found.push(`${name}: got position ${c.position} where ${e.position} belongs`)
    else if (keyOf(c) !== keyOf(e) || !same(c.after, e.values))
      found.push(`${name}: position ${c.position} is another event`)
    else if (!same(c.before, before.get(keyOf({ ...c, version: c.version - 1 })) ?? null))
      found.push(`${name}: position ${c.position} has another before`)
  }
  return found
}

/**
 * Returns the positions between which and `first` no wanted event lies: a snapshot there fits a
 * tail from `first`.
 */
function candidates(stored: Stored[], first: number, wanted: (id: string) => boolean): number[] {
  const positions: number[] = []
  for (let p = first - 1; p >= 0; p--) {
    positions.push(p)
    const event = stored[p - 1]
    if (event && wanted(event.goldenId)) break
  }
  return positions
}

type Table = [string, number, unknown][]

function table(stored: Stored[], position: number, wanted: (id: string) => boolean): Table {
  const last = new Map<string, Stored>()
  for (const e of stored) if (e.position <= position && wanted(e.goldenId)) last.set(e.goldenId, e)
  return [...last.values()]
    .filter((e) => e.values !== null)
    .map((e): Table[0] => [e.goldenId, e.version, e.values])
    .sort(byId)
}

function snapshotTable(got: Extract<Got, { kind: 'Snapshot' }>[]): Table {
  return got.map((s): Table[0] => [s.goldenId, s.version, s.values]).sort(byId)
}

function byId([a]: Table[0], [b]: Table[0]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Returns JSON with sorted keys, as the store does not preserve their order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, v) =>
    v instanceof Object && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  )
}
