import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../e2e/eventually.ts'
import { skip } from './chromium.ts'
import { audit, type ConsoleServer, consoleServer } from './consolePage.ts'

describe('health in the console', { skip }, () => {
  let server: ConsoleServer
  before(async () => {
    server = await consoleServer(60)
    await judgeOnce()
  })
  after(() => server?.close())

  /** A decision of ida, under an id that makes it one of those that are judged again. */
  const judgeOnce = async () => {
    const [pair] = await server.sql<{ subject: string[] }[]>`
      select subject from task where state = 'OPEN' and kind = 'POSSIBLE_MATCH' and type = 'Customer' limit 1`
    const before = await Promise.all(
      (pair?.subject ?? []).map(async (id) => {
        const rows = await server.sql<{ key: string }[]>`
          select key from source_record where golden_id = ${id} and not deleted`
        return [id, rows.map((r) => r.key)]
      }),
    )
    assert.equal(before.length, 2)
    for (const [n, id] of [
      '00000014-0000-4000-8000-000000000001',
      '00000015-0000-4000-8000-000000000001',
      '00000016-0000-4000-8000-000000000001',
    ].entries())
      await server.sql`
        insert into action (id, kind, type, state, input, expected, actor, reason, idempotency_key, correlation_id,
          subjects, before, proposed_at)
        values (${id}, 'NOT_A_MATCH', 'Customer', 'DONE', '{}', '{}', 'ida', 'test', ${id}, ${id},
          ${pair?.subject ?? []}::uuid[], ${JSON.stringify(before)}::text::jsonb, now() - ${100 - 12 * n} * interval '1 second')`
  }

  test('service levels, exceptions and tasks are those of the graph', async () => {
    const { page, context, errors } = await server.open('/health')
    const { serviceLevels, queueAges } = await server.graph(
      '{ serviceLevels { name state } queueAges { kind open } }',
    )
    const levels = page.getByRole('table', { name: /Service levels/ })
    await levels.waitFor()
    assert.equal(await levels.locator('tbody tr').count(), serviceLevels.length)
    for (const { kind, open } of queueAges)
      await page
        .getByRole('row', {
          name: new RegExp(`^${kind.replaceAll('_', ' ').toLowerCase()} ${open} `),
        })
        .waitFor()
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('quality shows how full each field is, and where systems differ', async () => {
    const { page, context } = await server.open('/health?part=quality&type=Customer')
    const { dataQuality } = await server.graph(
      '{ dataQuality(type: "Customer") { golden fields { field completeness } systems { system records validity } } }',
    )
    await page.getByText(`${dataQuality.golden} golden records from`).waitFor()
    const legal = dataQuality.fields.find((f: { field: string }) => f.field === 'taxIds')
    const row = page.getByRole('row', { name: /^tax ids/i })
    assert.equal(
      (await row.getByRole('cell').allInnerTexts())[0],
      `${(legal.completeness * 100).toFixed(1)} %`,
    )
    const [filled] = await server.sql<{ n: number }[]>`
      select count(*) filter (where values -> 'taxIds' <> 'null')::float8 / count(*) as n
      from golden where type = 'Customer' and state = 'ACTIVE'`
    assert.equal(legal.completeness, filled?.n)
    const valid = await page.getByRole('row', { name: /^Valid records/ }).innerText()
    for (const s of dataQuality.systems) assert.ok(valid.includes(`of ${s.records}`), valid)
    await context.close()
  })

  test('a second opinion is blind, is stored as a label, and shows in the agreement', async () => {
    const { page, context } = await server.open('/health?part=opinions', { actor: 'eva' })
    await page.getByText('Customer: are these one thing?').waitFor()
    const text = await page.locator('main').innerText()
    assert.doesNotMatch(text, /ida|not a match|bits|weight/i)
    assert.deepEqual(await audit(page), [])
    await page.keyboard.press('n')
    await page.getByText('No second opinion is wanted of you').waitFor()
    const [label] = await server.sql`select answer, actor from match_label`
    assert.deepEqual([label?.answer, label?.actor], ['NOT_SAME', 'eva'])
    await page.keyboard.press('3')
    const row = page.getByRole('row', { name: /^ida 3 / })
    await row.waitFor()
    const shown = await row.innerText()
    assert.match(shown, /100\.0 % of 1 opinion/)
    assert.match(shown, /12 s/)
    await row.getByRole('img', { name: /today last: (0, ){29}3|yesterday/ }).waitFor()
    await context.close()
  })

  test('who may not see exceptions sees why, and a part that fails leaves the others', async () => {
    const { page, context } = await server.open('/health', { token: 'agent' })
    await page.getByText('Needs the right source:read').first().waitFor()
    await page.getByRole('table', { name: /Service levels/ }).waitFor()
    await context.close()
    const other = await server.open('/queue')
    await other.page.waitForSelector('[role=row]')
    await other.page.route('**/graphql', async (route) =>
      route.request().postData()?.includes('HealthLevels')
        ? await route.fulfill({ status: 500, json: { errors: [{ message: 'broken' }] } })
        : await route.continue(),
    )
    await other.page.keyboard.press('g')
    await other.page.keyboard.press('h')
    await other.page.getByText('This could not be loaded').waitFor()
    await other.page.getByRole('heading', { name: 'Tasks that wait' }).waitFor()
    await eventually(() => other.page.url().includes('/health'))
    await other.context.close()
  })

  for (const view of [{}, { dark: true }, { width: 320, height: 700 }])
    test(`axe finds nothing, and all fits: ${JSON.stringify(view)}`, async () => {
      const { page, context } = await server.open('/health', view)
      for (const [part, shown] of [
        ['1', 'Tasks that wait, figures'],
        ['2', 'Quality of Customer, figures'],
        ['3', 'Stewards, the last 30 days, figures'],
        ['4', 'Second opinions, figures'],
      ] as const) {
        await page.getByRole('button', { name: 'Stewards' }).waitFor()
        await page.keyboard.press(part)
        await page.getByRole('group', { name: shown }).waitFor()
        assert.deepEqual(await audit(page), [], part)
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        assert.ok(wide <= 0, `${part}: ${wide} pixels do not fit the width`)
      }
      await context.close()
    })
})
