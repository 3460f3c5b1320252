import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { eventually } from '../e2e/eventually.ts'
import { skip } from './chromium.ts'
import { audit, type ConsoleServer, consoleServer } from './consolePage.ts'

/** The long form: `TOUCHSTONE_CONSOLE_PAIRS=100`, on an idle machine. */
const pairs = Number(process.env.TOUCHSTONE_CONSOLE_PAIRS ?? 3)
const isLong = pairs > 20
/** From the key to the next painted pair. The short form shares its machine with other tests. */
const nextPairMsMax = isLong ? 100 : 10_000

interface Subject {
  goldenId: string
  title: string
  version: number
}

describe('decisions in the console', { skip }, () => {
  let server: ConsoleServer
  before(async () => {
    // The demo world has some 35 pairs in 1,500 companies. The other tests take a few of them.
    server = isLong ? await consoleServer(0, { pairs: pairs + 20 }) : await consoleServer()
  })
  after(() => server?.close())

  const open = async (index = 0, options = {}) => {
    const { tasks } = await server.graph(
      `{ tasks(first: 20, filter: { kinds: [POSSIBLE_MATCH, CONFLICT] }) { nodes { id type subjects { goldenId title version } } } }`,
    )
    const task = tasks.nodes[index] as { id: string; type: string; subjects: Subject[] }
    const opened = await server.open(`/decide/${task.id}`, options)
    await opened.page.waitForSelector(`[data-task="${task.id}"]`)
    return { ...opened, task, subjects: task.subjects }
  }
  const stateOf = async (id: string) =>
    (
      await server.sql<{ state: string; redirect: string | null; values: { name?: string } }[]>`
      select state, redirect, values from golden where id = ${id}`
    )[0]
  /** The text of a field in a column of the comparison, without its badges. */
  const cell = (page: Page, field: string, column: number) =>
    page
      .locator(`tbody tr:has(th:text-is("${field}")) td:nth-of-type(${column})`)
      .first()
      .evaluate((td) => td.querySelector('span')?.firstElementChild?.textContent ?? '')

  test('m merges the pair as it was shown, goes on to the next one, and u takes it back', async () => {
    const { page, context, task, subjects, errors } = await open()
    const shown = await page
      .locator('tbody tr:has(th:text-is("name")) td:last-of-type > span')
      .first()
      .textContent()
    await page.keyboard.press('m')
    await page.waitForSelector(`[data-task]:not([data-task="${task.id}"])`)
    await page.getByText(/^Merged /).waitFor()
    const states = await Promise.all(subjects.map((s) => stateOf(s.goldenId)))
    const survivor = states.find((s) => s?.state === 'ACTIVE')
    assert.deepEqual(states.map((s) => s?.state).sort(), ['ACTIVE', 'MERGED'])
    assert.equal(survivor?.values.name, shown)
    await page.keyboard.press('u')
    await page.waitForSelector(`[data-task="${task.id}"]`)
    for (const s of subjects) {
      const again = await stateOf(s.goldenId)
      assert.equal(again?.state, 'ACTIVE')
      assert.equal(again?.values.name, s.title)
    }
    const [row] = await server.sql`select state from task where id = ${task.id}`
    assert.equal(row?.state, 'OPEN')
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('n states that they are different, and matching keeps to it', async () => {
    const { page, context, task, subjects } = await open()
    await page.keyboard.press('n')
    await page.getByText(/^Not a match: /).waitFor()
    const [row] = await server.sql`select state from task where id = ${task.id}`
    assert.equal(row?.state, 'CLOSED')
    const { explain } = await server.graph(
      `query ($a: ID!, $b: ID!) { explain(a: $a, b: $b) { verdict assertions { kind } } }`,
      { a: subjects[0]?.goldenId, b: subjects[1]?.goldenId },
    )
    assert.equal(explain.assertions[0]?.kind, 'NOT_SAME')
    await page.keyboard.press('u')
    await page.waitForSelector(`[data-task="${task.id}"]`)
    await context.close()
  })

  test('a value that is chosen by its number is previewed, and is the golden value after m', async () => {
    const { page, context, subjects } = await open()
    const first = page.locator('tbody tr[data-current]')
    const before = await first.locator('td:last-of-type > span').first().textContent()
    const field = (await first.locator('th').textContent()) ?? ''
    const options = await first.locator('button').allTextContents()
    const other = options.findIndex((text) => !text.includes(`Take ${before}`))
    assert.ok(options.length > 1 && other >= 0, 'the first field differs')
    await page.keyboard.press(String(other + 1))
    await page.getByText('your choice').waitFor()
    await eventually(
      async () => (await first.locator('td:last-of-type > span').first().textContent()) !== before,
    )
    const chosen = await first.locator('td:last-of-type > span').first().textContent()
    await page.keyboard.press('m')
    await page.getByText(/^Merged /).waitFor()
    const states = await Promise.all(subjects.map((s) => stateOf(s.goldenId)))
    const survivor = states.find((s) => s?.state === 'ACTIVE')
    if (field === 'name') assert.equal(survivor?.values.name, chosen)
    else assert.ok(JSON.stringify(survivor?.values).includes((chosen ?? '').split(', ')[0] ?? ''))
    await page.keyboard.press('u')
    await page.getByText(/^Undone: /).waitFor()
    await context.close()
  })

  test('a version that is past is not decided on: nothing changes, and the pair is shown again', async () => {
    // Without the socket: the page would load the pair again before the key is pressed.
    const { page, context, task, subjects } = await open(0, { socket: false })
    const [one] = subjects as [Subject, Subject]
    const { overrideField } = await server.graph(
      `mutation ($id: ID!, $version: Int!, $field: String!) {
        overrideField(input: { record: { id: $id, version: $version }, field: $field, value: "Changed meanwhile" }, reason: "test", idempotencyKey: "stale") {
          __typename ... on ActionDone { action { id } } } }`,
      // A field that is not compared: the task stays open.
      {
        id: one.goldenId,
        version: one.version,
        field: task.type === 'Customer' ? 'accountOwner' : 'description',
      },
    )
    assert.equal(overrideField.__typename, 'ActionDone')
    await page.keyboard.press('m')
    await page.getByText(/Not done: .*the records changed since you saw them/).waitFor()
    for (const s of subjects) assert.equal((await stateOf(s.goldenId))?.state, 'ACTIVE')
    await page.waitForSelector(`[data-task="${task.id}"]`)
    await page.getByText('Changed meanwhile').first().waitFor()
    await server.graph(
      `mutation ($action: ID!) { undoAction(action: $action, reason: "test", idempotencyKey: "unstale") { __typename } }`,
      { action: overrideField.action.id },
    )
    await context.close()
  })

  test('what somebody else decides is said where it is open, and keys do nothing more', async () => {
    const [mine, other] = [await open(), await open()]
    await other.page.locator('[data-state=LIVE]').waitFor()
    await mine.page.keyboard.press('n')
    await mine.page.getByText(/^Not a match: /).waitFor()
    await other.page.getByText('Decided meanwhile:').waitFor()
    await other.page.keyboard.press('m')
    const states = await Promise.all(mine.subjects.map((s) => stateOf(s.goldenId)))
    assert.deepEqual(
      states.map((s) => s?.state),
      ['ACTIVE', 'ACTIVE'],
    )
    assert.deepEqual(await audit(other.page), [])
    await mine.page.keyboard.press('u')
    await mine.page.getByText(/^Undone: /).waitFor()
    await mine.context.close()
    await other.context.close()
  })

  test('whose roles allow no merge reads why on the button, and the key does nothing', async () => {
    const { page, context, subjects } = await open(0, { actor: 'eve', roles: 'approver' })
    const button = page.getByRole('button', { name: /^Merge 2 into/ })
    assert.equal(await button.getAttribute('aria-disabled'), 'true')
    assert.match((await button.getAttribute('title')) ?? '', /allows MERGE/)
    await page.keyboard.press('m')
    for (const s of subjects) assert.equal((await stateOf(s.goldenId))?.state, 'ACTIVE')
    assert.deepEqual(await audit(page), [])
    await context.close()
  })

  for (const view of [{}, { dark: true }, { width: 320, height: 700 }])
    test(`axe finds nothing in a decision, blind and with weights: ${JSON.stringify(view)}`, async () => {
      const { page, context } = await open(0, view)
      assert.deepEqual(await audit(page), [])
      await page.keyboard.press('b')
      await eventually(async () => (await page.getByText('bits', { exact: false }).count()) === 0)
      assert.deepEqual(await audit(page), [])
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(wide <= 0, `${wide} pixels do not fit the width`)
      await context.close()
    })

  test(`a steward decides ${pairs} pairs by keys alone: each in the store once, and ten undone exactly`, async (t) => {
    const { page, context } = await open()
    const waits: number[] = []
    const decided: { task: string; key: string }[] = []
    const began = performance.now()
    for (let n = 0; n < pairs; n++) {
      const task = (await page.locator('[data-task]').getAttribute('data-task')) ?? ''
      const key = n % 3 === 2 ? 'm' : 'n'
      if (key === 'm' && (await page.getByText('Needs a second person').count()) > 0) continue
      const ms = await page.evaluate(nextPair, { key, task })
      if (ms === null) break
      waits.push(ms)
      decided.push({ task, key })
    }
    const seconds = (performance.now() - began) / 1_000
    if (isLong) assert.equal(decided.length, pairs)
    await eventually(async () => {
      const [row] = await server.sql<{ n: number }[]>`
        select count(*)::int as n from task where id = any(${decided.map((d) => d.task)}::uuid[]) and state = 'CLOSED'`
      return row?.n === decided.length
    })
    const p95 = waits.toSorted((a, b) => a - b)[Math.ceil(waits.length * 0.95) - 1] ?? 0
    t.diagnostic(
      `${decided.length} pairs in ${seconds.toFixed(1)} s; key to next pair: p95 ${p95.toFixed(0)} ms of ${waits.length}`,
    )
    assert.ok(p95 <= nextPairMsMax, `${p95} ms`)
    const undone = decided.slice(-10)
    for (const { task } of undone.toReversed()) {
      await page.keyboard.press('u')
      await page.waitForSelector(`[data-task="${task}"]`)
    }
    const open10 = await server.sql<{ id: string }[]>`
      select id from task where id = any(${undone.map((d) => d.task)}::uuid[]) and state = 'OPEN'`
    assert.equal(open10.length, undone.length)
    await context.close()
  })

  test('the text of a cell is the golden value of its record', async () => {
    const { page, context, subjects } = await open()
    for (const [n, s] of subjects.entries())
      assert.equal(await cell(page, 'name', n + 1), (await stateOf(s.goldenId))?.values.name)
    await context.close()
  })
})

/**
 * Presses a key in the page and returns the milliseconds until another pair was painted; null if
 * none came: the round is over.
 */
function nextPair({ key, task }: { key: string; task: string }): Promise<number | null> {
  return new Promise((resolve) => {
    const began = performance.now()
    const check = () => {
      const shown = document.querySelector('[data-task]')?.getAttribute('data-task')
      if (shown && shown !== task) resolve(performance.now() - began)
      else if (performance.now() - began > 10_000) resolve(null)
      else requestAnimationFrame(check)
    }
    window.dispatchEvent(
      new KeyboardEvent('keydown', { key, code: `Key${key.toUpperCase()}`, bubbles: true }),
    )
    requestAnimationFrame(check)
  })
}
