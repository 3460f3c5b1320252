import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { skip } from './chromium.ts'
import { type ConsoleServer, consoleServer } from './consolePage.ts'

/** The long form: `TOUCHSTONE_CONSOLE_TWO=1000`, on an idle machine. */
const tasks = Number(process.env.TOUCHSTONE_CONSOLE_TWO ?? 30)

interface Done {
  actor: string
  kind: string
  subjects: string[]
  expected: Record<string, number>
  effect: { goldenId: string; version: number }[]
}

describe('two stewards in two browsers', { skip }, () => {
  let server: ConsoleServer
  before(async () => {
    server = await consoleServer(0, { pairs: tasks })
  })
  after(() => server?.close())

  const openTask = async (after = 0) =>
    (
      await server.sql<{ id: string }[]>`
        select id from task where state = 'OPEN' and kind in ('POSSIBLE_MATCH', 'CONFLICT')
        order by priority desc, id limit 1 offset ${after}`
    )[0]?.id

  /**
   * Decides whatever is shown by keys alone, until no task is open. Returns how often somebody else had
   * decided what was shown.
   */
  async function decideAll(page: Page): Promise<number> {
    let met = 0
    for (let n = 0; ; n++) {
      const task = await page
        .locator('[data-task]')
        .getAttribute('data-task', { timeout: 3_000 })
        .catch(() => null)
      if (task === null) {
        const left = await openTask()
        if (left === undefined) return met
        await page.goto(`${server.url}/decide/${left}`)
        continue
      }
      const isOver = (await page.getByText('Decided meanwhile:').count()) > 0
      if (isOver) met++
      await page.keyboard.press(isOver ? 'Space' : n % 3 === 0 ? 'm' : 'n')
      await page
        .waitForFunction(
          (last) => document.querySelector('[data-task]')?.getAttribute('data-task') !== last,
          task,
          { timeout: 2_000 },
        )
        .catch(() => {})
    }
  }

  test(`they decide ${tasks} tasks: none twice, and none by a preview that is past`, async (t) => {
    const seeded = await server.sql<{ id: string; subject: string[] }[]>`
      select id, subject from task where state = 'OPEN' and kind in ('POSSIBLE_MATCH', 'CONFLICT')`
    assert.ok(seeded.length >= tasks, `${seeded.length} tasks`)
    // A few tasks apart: from the same one, the faster would decide all of them.
    const stewards = await Promise.all(
      ['ada', 'bert'].map(async (actor, n) =>
        server.open(`/decide/${await openTask(n * 5)}`, { actor, roles: 'steward' }),
      ),
    )
    const began = performance.now()
    const met = await Promise.all(stewards.map(({ page }) => decideAll(page)))
    const seconds = (performance.now() - began) / 1_000
    const done = await server.sql<Done[]>`
      select actor, kind, subjects, expected, effect from action
      where state = 'DONE' and kind in ('MERGE', 'NOT_A_MATCH') order by number`
    const pairOf = (ids: readonly string[]) => ids.toSorted().join(' ')
    const decided = Map.groupBy(done, (a) => pairOf(Object.keys(a.expected)))
    assert.deepEqual(
      [...decided].filter(([, actions]) => actions.length > 1),
      [],
      'a pair was decided twice',
    )
    assert.deepEqual(
      seeded.filter((s) => !decided.has(pairOf(s.subject))),
      [],
      'a task closed without a decision about its pair',
    )
    const [open] = await server.sql<{ n: number }[]>`
      select count(*)::int as n from task where state = 'OPEN'`
    assert.equal(open?.n, 0)
    // The first version after the one that was seen: nobody changed the record in between.
    const stale = done.flatMap(({ expected, effect }) =>
      effect.filter((e) => e.goldenId in expected && e.version !== (expected[e.goldenId] ?? 0) + 1),
    )
    assert.deepEqual(stale, [])
    const by = Map.groupBy(done, (a) => a.actor)
    t.diagnostic(
      `${done.length} decisions in ${seconds.toFixed(0)} s, decided meanwhile ${met.join(' and ')}: ${[...by].map(([who, all]) => `${who} ${all.length}`).join(', ')}`,
    )
    // The slower one may find all decided; then it was told so each time.
    assert.ok(
      met.some((n) => n > 0),
      'they never met',
    )
    for (const { context } of stewards) await context.close()
  })
})
