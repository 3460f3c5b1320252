import assert from 'node:assert/strict'
import { test } from 'node:test'
import { check, type Got, type History, type Stored } from './check.ts'

/** Returns a correct history of two records, five events and three subscribers. */
function sound(): History {
  const stored: Stored[] = [
    { position: 1, goldenId: 'a', version: 1, values: { n: 1, m: 0 }, atMs: 10 },
    { position: 2, goldenId: 'b', version: 1, values: { n: 2 }, atMs: 10 },
    { position: 3, goldenId: 'a', version: 2, values: { n: 3 }, atMs: 20 },
    { position: 4, goldenId: 'b', version: 2, values: null, atMs: 30 },
    { position: 5, goldenId: 'a', version: 3, values: { n: 5 }, atMs: 30 },
  ]
  const before = (e: Stored) =>
    stored.find((x) => x.goldenId === e.goldenId && x.version === e.version - 1)?.values ?? null
  const change = (e: Stored): Got => ({
    kind: 'Change',
    position: e.position,
    goldenId: e.goldenId,
    version: e.version,
    before: before(e),
    after: e.values,
  })
  const caughtUp: Got = { kind: 'CaughtUp', position: 5 }
  const scan: Got[] = [
    { kind: 'Snapshot', goldenId: 'a', version: 2, values: { n: 3 } },
    { kind: 'Snapshot', goldenId: 'b', version: 1, values: { n: 2 } },
  ]
  return {
    stored,
    golden: [
      { id: 'a', version: 3, state: 'ACTIVE', values: { n: 5 } },
      { id: 'b', version: 2, state: 'DELETED', values: { n: 2 } },
    ],
    writers: [
      {
        tried: [...stored, { goldenId: 'a', version: 4, values: { n: 9 } }],
        acknowledged: [
          { goldenId: 'a', version: 1, values: { m: 0, n: 1 } },
          ...stored.slice(1, 4),
        ],
      },
    ],
    subscribers: [
      { name: 'all', ids: null, from: 1, got: [...stored.slice(1).map(change), caughtUp] },
      {
        name: 'some',
        ids: ['a'],
        from: 0,
        got: stored.filter((e) => e.goldenId === 'a').map(change),
      },
      {
        name: 'scan',
        ids: null,
        from: null,
        got: [...scan, caughtUp, ...stored.slice(3).map(change)],
      },
    ],
  }
}

test('finds nothing wrong in a correct history, with or without unacknowledged writes', () => {
  assert.deepEqual(check(sound()), [])
})

const subscriber = (h: History, name: string) =>
  h.subscribers.find((s) => s.name === name)?.got ?? []
const wrong: [string, RegExp, (h: History) => unknown][] = [
  ['a gap', /position 4 stands where 3/, (h) => h.stored.splice(2, 1)],
  ['a version twice', /v1 where v2 belongs/, (h) => ((h.stored[3] as Stored).version = 1)],
  ['time that goes back', /older than the one before/, (h) => ((h.stored[4] as Stored).atMs = 5)],
  [
    'an acknowledged write that is lost',
    /acknowledged and is lost/,
    (h) => h.writers[0]?.acknowledged.push({ goldenId: 'c', version: 1, values: {} }),
  ],
  [
    'an acknowledged write with other values',
    /acknowledged with other values/,
    (h) => h.writers[0]?.acknowledged.push({ goldenId: 'a', version: 3, values: {} }),
  ],
  ['an event that nobody wrote', /nobody wrote it so/, (h) => h.writers[0]?.tried.splice(2, 1)],
  [
    'a golden record behind its events',
    /its last event says v3/,
    (h) => Object.assign(h.golden[0] ?? {}, { version: 2 }),
  ],
  [
    'a golden record that differs',
    /differs from its last event/,
    (h) => Object.assign(h.golden[0] ?? {}, { values: { n: 6 } }),
  ],
  [
    'a deleted record that is active',
    /ACTIVE against its last event/,
    (h) => Object.assign(h.golden[1] ?? {}, { state: 'ACTIVE' }),
  ],
  ['a golden record without events', /in golden/, (h) => h.golden.pop()],
  ['a missed event', /all: got position 4 where 3/, (h) => subscriber(h, 'all').splice(1, 1)],
  ['a missed last event', /all: position 5 is missing/, (h) => subscriber(h, 'all').splice(3, 1)],
  [
    'an event twice',
    /all: got position 3 where 4/,
    (h) => subscriber(h, 'all').splice(2, 0, subscriber(h, 'all')[1] as Got),
  ],
  [
    'the last event twice',
    /more than there is/,
    (h) => subscriber(h, 'all').push(subscriber(h, 'all')[3] as Got),
  ],
  [
    'two events that changed places',
    /all: got position 4 where 3/,
    (h) => subscriber(h, 'all').splice(1, 2, ...subscriber(h, 'all').slice(1, 3).reverse()),
  ],
  [
    'an event that was not asked for',
    /some: got position 2 where 3/,
    (h) => subscriber(h, 'some').splice(1, 0, subscriber(h, 'all')[0] as Got),
  ],
  [
    'another after',
    /is another event/,
    (h) => Object.assign(subscriber(h, 'all')[1] ?? {}, { after: {} }),
  ],
  [
    'another before',
    /another before/,
    (h) => Object.assign(subscriber(h, 'all')[1] ?? {}, { before: null }),
  ],
  [
    'a record that the snapshot left out',
    /the state at no position/,
    (h) => subscriber(h, 'scan').shift(),
  ],
  [
    'a record twice in the snapshot',
    /the state at no position/,
    (h) => subscriber(h, 'scan').push(subscriber(h, 'scan')[0] as Got),
  ],
  [
    'a snapshot of two moments',
    /the state at no position/,
    (h) => Object.assign(subscriber(h, 'scan')[0] ?? {}, { version: 1, values: { n: 1, m: 0 } }),
  ],
  [
    'a seam: the first event is in the snapshot too',
    /the state at no position/,
    (h) => subscriber(h, 'scan').splice(3, 0, subscriber(h, 'all')[1] as Got),
  ],
  [
    'a seam: an event is in neither',
    /the state at no position/,
    (h) => subscriber(h, 'scan').splice(3, 1),
  ],
  [
    'a snapshot that nobody asked for',
    /nobody asked for/,
    (h) => subscriber(h, 'all').push(subscriber(h, 'scan')[0] as Got),
  ],
]
for (const [what, says, change] of wrong)
  test(`the checker finds ${what}`, () => {
    const history = sound()
    change(history)
    assert.match(check(history).join('\n'), says)
  })
