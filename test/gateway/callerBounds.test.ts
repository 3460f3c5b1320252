import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallerBounds } from '../../gateway/callerBounds.ts'
import { authenticatedCallers } from '../../gateway/callers.ts'
import type { Caller } from '../../gateway/identity/caller.ts'
import { ask, BOUNDS, testGateway } from './gateway.ts'
import { until } from './until.ts'

const caller = (actor: string, via: Caller['via'] = 'TOKEN'): Caller => ({
  actor,
  via,
  roles: new Set(),
  scopes: new Set(['*']),
  expiresAt: null,
})
const limits = { callerOperationsPerMinuteMax: 60, callerOperationsMax: 3 }
const code = (work: () => unknown) => {
  try {
    work()
    return null
  } catch (e) {
    return (e as { code: string }).code
  }
}

test('a caller may begin so many in a minute, a tenth of them at once; others are not touched', () => {
  const clock = { ms: 0 }
  const bounds = new CallerBounds(limits, () => clock.ms)
  const once = (actor = 'ada') => bounds.begin(caller(actor))()
  for (let i = 0; i < 6; i++) once()
  assert.equal(code(once), 'RATE_LIMITED')
  once('bob')
  clock.ms += 999
  assert.equal(code(once), 'RATE_LIMITED')
  clock.ms += 1
  once()
  assert.equal(code(once), 'RATE_LIMITED')
  clock.ms += 3_600_000
  for (let i = 0; i < 6; i++) once()
  assert.equal(code(once), 'RATE_LIMITED')
})

test('and have so many under way; each ends once', () => {
  const bounds = new CallerBounds({ ...limits, callerOperationsPerMinuteMax: 6_000 })
  const begin = () => bounds.begin(caller('ada'))
  const ends = [begin(), begin(), begin()]
  assert.equal(code(begin), 'TOO_MANY_OPERATIONS')
  ends[0]?.()
  ends[0]?.()
  begin()
  assert.equal(code(begin), 'TOO_MANY_OPERATIONS')
})

test('the development caller is not counted', () => {
  const bounds = new CallerBounds({ callerOperationsPerMinuteMax: 1, callerOperationsMax: 1 })
  for (let i = 0; i < 10; i++) bounds.begin(caller('development', 'DEVELOPMENT'))
})

test('over HTTP it is 429 with Retry-After, and nothing stays counted', async (t) => {
  const { gateway, url, fixture } = await testGateway({
    callers: authenticatedCallers({ token: async (token) => caller(token) }),
    bounds: { ...BOUNDS, callerOperationsPerMinuteMax: 100, callerOperationsMax: 1 },
  })
  t.after(() => gateway.close(0))
  const as = (actor: string) => ({ headers: { authorization: `Bearer ${actor}` } })
  const [one, two] = await Promise.all(
    ['{ fails(how: "WAIT") }', '{ fails(how: "WAIT") }'].map((q) => ask(url, q, as('ada'))),
  )
  assert.deepEqual([one?.status, two?.status].sort(), [200, 429])
  for (let i = 0; i < 5; i++) assert.equal((await ask(url, '{ head }', as('ada'))).status, 200)
  let over = one
  await until(async () => {
    over = await ask(url, '{ head }', as('ada'))
    return over.status === 429
  })
  assert.ok(over)
  assert.equal(over.body.errors[0].extensions.code, 'RATE_LIMITED')
  assert.match(over.headers.get('retry-after') ?? '', /^\d+$/)
  assert.equal((await ask(url, '{ head }', as('bob'))).status, 200)
  assert.equal(fixture.subscribers(), 0)
})
