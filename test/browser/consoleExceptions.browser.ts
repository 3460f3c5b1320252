import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../e2e/eventually.ts'
import { row } from '../fixtures/shop.ts'
import { skip } from './chromium.ts'
import { audit, type ConsolePage, type ConsoleServer, consoleServer } from './consolePage.ts'

/** Rows of the web shop that have no name: customers need one. */
const NAMELESS = 4

describe('the console: exceptions', { skip }, () => {
  let server: ConsoleServer
  let nameless: number[]
  before(async () => {
    server = await consoleServer()
    const shop = (object: string | null, body: object) => row(server.sql, object, body, 'webshop')
    nameless = []
    for (let n = 0; n < NAMELESS; n++)
      nameless.push(
        await shop('customers', {
          shop_customer_id: `n-${n}`,
          modified_at: '2026-11-01T00:00:00Z',
          vat_no: `ATU0000000${n}`,
          account_type: 'CLUB',
          email: `secret-${n}@example.com`,
          phone: `+43 1 555 00 0${n}`,
        }),
      )
    await shop('spaceships', { shop_customer_id: 's-1' })
    await shop(null, { shop_customer_id: 's-2' })
    await eventually(async () => (await open()) === NAMELESS + 2)
  })
  after(() => server?.close())

  const open = async () =>
    (
      await server.sql<{ n: number }[]>`
      select count(*)::int as n from outcome where outcome = 'EXCEPTION' and source = 'webshop'`
    )[0]?.n
  const outcomeOf = async (id: number | string) =>
    (
      await server.sql<{ outcome: string; code: string }[]>`
      select outcome, code from outcome where inbox_id = ${id}`
    )[0]
  const pressed = async ({ page }: ConsolePage, id: number | string) => {
    await page.locator(`[data-exception="${id}"]`).click()
    await page.waitForSelector(`[data-exception="${id}"][data-current]`)
    await page.getByRole('heading', { name: 'Payload' }).waitFor()
  }

  test('it counts each reason as the store does, with owner and age', async () => {
    const { page, context, errors } = await server.open('/exceptions')
    const { inboundExceptionCounts } = await server.graph(
      '{ inboundExceptionCounts(first: 200) { nodes { system object code owner count } } }',
    )
    const table = page.getByRole('table', { name: 'Reasons' })
    await table.waitFor()
    const rows = await table.locator('tbody tr').allInnerTexts()
    assert.equal(rows.length, inboundExceptionCounts.nodes.length)
    for (const [n, c] of inboundExceptionCounts.nodes.entries())
      for (const part of [c.system, c.object ?? 'no object', c.owner, String(c.count)])
        assert.ok(rows[n]?.includes(part), `${rows[n]}: ${part}`)
    await table.getByRole('button', { name: 'incomplete' }).click()
    await eventually(async () => (await page.locator('[data-exception]').count()) === NAMELESS)
    assert.match(page.url(), /code=INCOMPLETE/, 'a link to it shows the same')
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('the mapping of a message is shown line by line, with file and line where it failed', async () => {
    const opened = await server.open('/exceptions')
    await pressed(opened, nameless[0] as number)
    const mapping = opened.page.getByRole('region', { name: 'Mapping' })
    const { inboundException } = await server.graph(
      `query ($id: ID!) { inboundException(id: $id) { payload transformation { records { steps {
         field line reads { path } issues { code detail } } } } } }`,
      { id: String(nameless[0]) },
    )
    const [record] = inboundException.transformation.records
    const shown = await mapping.locator('tbody tr').allInnerTexts()
    assert.equal(shown.length, record.steps.length)
    for (const [n, step] of record.steps.entries()) {
      if (step.line) assert.ok(shown[n]?.includes(step.line), shown[n])
      for (const { path } of step.reads) assert.ok(shown[n]?.includes(path), shown[n])
      for (const { code, detail } of step.issues)
        assert.ok(shown[n]?.includes(code) && shown[n]?.includes(detail), shown[n])
    }
    const kind = record.steps.find((s: { field: string }) => s.field === 'kind')
    assert.match(kind.line, /webshop\.mapping\.yaml:\d+$/)
    const failing = mapping.locator('p', { hasText: kind.line })
    assert.equal(await failing.count(), 1, 'the line that failed stands above')
    const payload = await opened.page.locator('pre').innerText()
    assert.deepEqual(JSON.parse(payload), JSON.parse(inboundException.payload))
    await opened.context.close()
  })

  test('a payload is corrected, tried without an effect, then applied', async () => {
    const opened = await server.open('/exceptions')
    const { page } = opened
    const id = nameless[0] as number
    await pressed(opened, id)
    await page.keyboard.press('c')
    const box = page.getByLabel('Payload')
    const apply = page.getByRole('button', { name: 'Apply the correction' })
    assert.match((await apply.getAttribute('title')) ?? '', /Change the payload/)
    const payload = JSON.parse(await box.inputValue())
    await box.fill(JSON.stringify({ ...payload, company_name: 'Named Oy', account_type: 'B2B' }))
    assert.match((await apply.getAttribute('title')) ?? '', /Try it first/)
    await page.keyboard.press('Control+Enter')
    const tried = page.getByRole('region', { name: 'What the correction gives' })
    await tried.getByRole('cell', { name: 'Named Oy', exact: true }).waitFor()
    assert.equal((await outcomeOf(id))?.outcome, 'EXCEPTION', 'a try changes nothing')
    assert.deepEqual(await audit(page), [])
    await page.getByLabel('Reason', { exact: true }).press('Enter')
    await page.getByText('Corrected by message').waitFor()
    assert.equal((await outcomeOf(id))?.outcome, 'CORRECTED')
    await eventually(async () => {
      const [stored] = await server.sql<{ name: string }[]>`
        select g.values->>'name' as name from golden g
        join source_record s on s.golden_id = g.id
        where s.source = 'webshop' and s.source_id = 'n-0'`
      return stored?.name === 'Named Oy'
    })
    await page.waitForSelector(`[data-exception="${id}"]`, { state: 'detached' })
    await opened.context.close()
  })

  test('one is tried again, all of a reason with progress, and one is set aside with a reason', async () => {
    const opened = await server.open('/exceptions?code=INCOMPLETE&system=webshop&object=customers')
    const { page } = opened
    const id = nameless[1] as number
    const work = async (kind: string) => [
      ...(await server.sql<{ messages: number; reason: string }[]>`
        select count(m.inbox_id)::int as messages, w.reason from exception_work w
        left join exception_worked m on m.work_id = w.id where w.kind = ${kind}
        group by w.id order by w.id`),
    ]
    await pressed(opened, id)
    await page.keyboard.press('r')
    await page.getByRole('form', { name: 'Try 1 message again' }).waitFor()
    assert.equal((await work('RETRY')).length, 0, 'nothing happens before the reason is sent')
    await page.keyboard.press('Enter')
    await page.getByText('1 message is tried again').waitFor()
    assert.deepEqual(await work('RETRY'), [{ messages: 1, reason: 'The mapping was corrected' }])
    // What is wrong has not changed, so it comes back.
    await eventually(async () => {
      const [queue] = await server.sql`select from pending where inbox_id = ${id}`
      return queue === undefined
    })
    await page.getByRole('button', { name: /^Try all 3 again$/ }).waitFor()
    await page.keyboard.press('Shift+R')
    await page.getByRole('form', { name: 'Try 3 messages again' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByText(/Tried again: 3 messages of 3 put into the queue/).waitFor()
    assert.equal((await work('RETRY'))[1]?.messages, 3)
    await page.getByText(/0 wait · 3 are exceptions/).waitFor()
    await pressed(opened, id)
    await page.keyboard.press('d')
    await page.getByLabel('Reason', { exact: true }).fill('A row of a test')
    await page.keyboard.press('Enter')
    await page.getByText('Set aside 1 message').waitFor()
    assert.equal((await outcomeOf(id))?.outcome, 'DISCARDED')
    assert.deepEqual(await work('DISCARD'), [{ messages: 1, reason: 'A row of a test' }])
    await page.waitForSelector(`[data-exception="${id}"]`, { state: 'detached' })
    await page.getByRole('button', { name: 'set aside', exact: true }).click()
    await page.waitForSelector(`[data-exception="${id}"]`)
    await opened.context.close()
  })

  test('whose role may not work on exceptions or see values reads why', async () => {
    const opened = await server.open('/exceptions', { token: 'integrator' })
    await pressed(opened, nameless[2] as number)
    const { page } = opened
    const retry = page.getByRole('button', { name: /^Try again/ })
    const { viewer } = await server.graph('{ viewer { duties } }')
    assert.ok(viewer.duties.includes('EXCEPTIONS'))
    await page.getByText('Not shown: it may hold values').waitFor()
    assert.equal((await page.locator('pre').count()) === 0, true, 'no payload')
    const hidden = page.getByRole('region', { name: 'Mapping' }).getByText('hidden: no right')
    assert.ok((await hidden.count()) > 0)
    assert.ok(
      !(await page.content()).includes('secret-2@example.com'),
      'a value that may not be seen',
    )
    const correct = page.getByRole('button', { name: /^Correct and try/ })
    assert.match((await correct.getAttribute('title')) ?? '', /no right/)
    await retry.waitFor()
    await opened.context.close()
    const eve = await server.open('/exceptions', { actor: 'eve', roles: 'approver' })
    await pressed(eve, nameless[2] as number)
    const refused = eve.page.getByRole('button', { name: /^Try again/ })
    assert.match((await refused.getAttribute('title')) ?? '', /EXCEPTIONS/)
    await eve.page.keyboard.press('r')
    assert.equal(await eve.page.getByRole('form').count(), 0)
    await eve.context.close()
  })

  for (const view of [{}, { dark: true }, { width: 320, height: 700 }])
    test(`axe finds nothing in it, nor when it is empty: ${JSON.stringify(view)}`, async () => {
      const opened = await server.open('/exceptions', view)
      const { page, context } = opened
      await pressed(opened, nameless[2] as number)
      assert.deepEqual(await audit(page), [])
      await page.keyboard.press('r')
      await page.getByRole('form').waitFor()
      assert.deepEqual(await audit(page), [])
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(wide <= 0, `${wide} pixels do not fit the width`)
      await page.goto(`${server.url}/exceptions?owner=nobody-at-all`)
      await page.getByText('No exception is in this list').waitFor()
      assert.deepEqual(await audit(page), [])
      await context.close()
    })

  test('a failed and a slow list say so, and load again', async () => {
    const { page, context } = await server.open('/queue')
    await page.getByRole('heading', { level: 1 }).waitFor()
    let fails = true
    await page.route('**/graphql', async (route) => {
      const body = route.request().postData() ?? ''
      if (fails && body.includes('ExceptionList')) await route.abort()
      else if (body.includes('ExceptionReasons')) {
        await new Promise((resolve) => setTimeout(resolve, 2_500))
        await route.continue()
      } else await route.continue()
    })
    await page.keyboard.press('g')
    await page.keyboard.press('e')
    await page.getByText('takes longer than usual').first().waitFor()
    await page.getByRole('heading', { name: 'The server does not respond' }).waitFor()
    assert.deepEqual(await audit(page), [])
    fails = false
    await page.getByRole('button', { name: 'Load again' }).first().click()
    await page.waitForSelector('[data-exception]')
    await page.getByRole('table', { name: 'Reasons' }).waitFor()
    await context.close()
  })
})
