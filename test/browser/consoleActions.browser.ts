import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../e2e/eventually.ts'
import { skip } from './chromium.ts'
import { audit, type ConsoleServer, consoleServer } from './consolePage.ts'

const STEWARD = { actor: 'ida', roles: 'steward,approver' }

describe('actions and audit in the console', { skip }, () => {
  let server: ConsoleServer
  let customer: { id: string; version: number; owner: string }
  before(async () => {
    server = await consoleServer()
    const [row] = await server.sql<(typeof customer)[]>`
      select id, version, values->>'accountOwner' as owner from golden
      where type = 'Customer' and state = 'ACTIVE' and values ? 'accountOwner' order by id limit 1`
    assert.ok(row)
    customer = row
  })
  after(() => server?.close())

  let keys = 0
  async function override(value: string, reason: string) {
    const [now] = await server.sql<{ version: number }[]>`
      select version from golden where id = ${customer.id}`
    const { overrideField } = await server.graph(
      `mutation ($input: OverrideInput!, $reason: String!, $key: String!) {
        overrideField(input: $input, reason: $reason, idempotencyKey: $key) {
          ... on ActionDone { action { id } } } }`,
      {
        input: {
          record: { id: customer.id, version: now?.version },
          field: 'accountOwner',
          value,
        },
        reason,
        key: `actions ${keys++}`,
      },
    )
    return overrideField.action.id as string
  }
  const stateOf = async (id: string) =>
    (await server.sql`select state from action where id = ${id}`)[0]?.state
  const ownerOf = async () =>
    (
      await server.sql`select values->>'accountOwner' as owner from golden where id = ${customer.id}`
    )[0]?.owner

  test('the filters are in the address, find what the store holds, and an empty result says so', async () => {
    const one = await override('Ada Filtered', 'as the Sales team says')
    await override('Bo Filtered', 'by the register')
    const [all] = await server.sql<{ n: number }[]>`select count(*)::int as n from action`
    const { page, context, errors } = await server.open('/actions', STEWARD)
    await page.getByText(`${all?.n} actions`).waitFor()
    const shown = await page.locator('tr[id^=action-]').evaluateAll((r) => r.map((x) => x.id))
    const stored = await server.sql<{ id: string }[]>`
      select 'action-' || id as id from action order by proposed_at desc, id desc limit 50`
    assert.deepEqual(
      shown,
      stored.map((r) => r.id),
    )
    await page.getByLabel('Reason contains').fill('sales TEAM')
    await page.keyboard.press('Enter')
    await page.getByText('1 action', { exact: true }).waitFor()
    await page.waitForSelector(`#action-${one}`)
    assert.match(page.url(), /text=sales/)
    await page.getByLabel('Kind').selectOption('MERGE')
    await page.getByRole('heading', { name: 'No action fits these filters' }).waitFor()
    assert.deepEqual(await audit(page), [])
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('an action shows what it changed; u previews the undo, and Enter undoes it in the store', async () => {
    const before = await ownerOf()
    const id = await override('Cy Undone', 'a trial')
    const { page, context, errors } = await server.open(`/actions?at=${id}`, STEWARD)
    await page.waitForSelector(`[data-action="${id}"]`)
    const did = page.getByRole('region', { name: 'What it did' })
    await did.getByText('Cy Undone').waitFor()
    await did.getByText(String(before), { exact: true }).waitFor()
    await page.keyboard.press('u')
    await page.getByText('What the undo would do').waitFor()
    assert.equal(await stateOf(id), 'DONE', 'a preview changes nothing')
    await page.keyboard.press('Escape')
    await page.keyboard.press('u')
    await page.getByText('What the undo would do').waitFor()
    await page.keyboard.press('r')
    await page.keyboard.press('Enter')
    await page.getByText(/^Undone: /).waitFor()
    assert.equal(await stateOf(id), 'UNDONE')
    assert.equal(await ownerOf(), before)
    const [undo] = await server.sql<{ reason: string; actor: string }[]>`
      select reason, actor from action where undoes = ${id}`
    assert.deepEqual(undo, { reason: 'Done by mistake', actor: 'ida' })
    await page.getByText('Undo: It is undone already').waitFor()
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('an undo with a later action in the way says which one, and whose roles allow none reads why', async () => {
    const records = await server.sql<{ id: string; version: number }[]>`
      select id, version from golden where type = 'Customer' and state = 'ACTIVE' order by id desc limit 2`
    const apart = async (key: string) =>
      (
        await server.graph(
          `mutation ($records: [SeenRecord!]!, $key: String!) {
            notAMatch(input: { records: $records }, reason: "two sites", idempotencyKey: $key) {
              ... on ActionDone { action { id } } } }`,
          { records, key },
        )
      ).notAMatch.action.id as string
    const [first, later] = [await apart('first'), await apart('later')]
    const { page, context } = await server.open(`/actions?at=${first}`, STEWARD)
    await page.waitForSelector(`[data-action="${first}"]`)
    await page.keyboard.press('u')
    await page.getByText('It cannot be undone now:').waitFor()
    await page.keyboard.press('Enter')
    assert.equal(await stateOf(first), 'DONE')
    await page.getByRole('link', { name: /^Open the not a match of / }).click()
    await page.waitForSelector(`[data-action="${later}"]`)
    await context.close()
    const reader = await server.open(`/actions?at=${later}`, { actor: 'carl', roles: 'approver' })
    await reader.page.getByText('Undo: No role of yours allows UNDO').waitFor()
    await reader.page.keyboard.press('u')
    assert.equal(await reader.page.getByText('What the undo would do').count(), 0)
    await reader.context.close()
  })

  test('the audit log is verified, shows its rows with their hashes, and who read sensitive fields', async () => {
    const { page, context } = await server.open('/actions?view=AUDIT', STEWARD)
    await page.getByText('✓ Verified: every entry fits').waitFor()
    const rows = await server.sql<{ id: string; hash: string }[]>`
      select id::text, left(encode(hash, 'hex'), 8) as hash from audit order by audit.id desc limit 3`
    for (const { id, hash } of rows)
      assert.match(await page.locator(`#entry-${id}`).innerText(), new RegExp(hash))
    const [log] = await server.sql<{ n: number }[]>`select count(*)::int as n from audit`
    await page.getByText(new RegExp(`${log?.n.toLocaleString('en')} entries checked`)).waitFor()
    await page.keyboard.press('3')
    await page.waitForSelector('table tbody tr')
    assert.match(page.url(), /view=READS/)
    const [read] = await server.sql<{ actor: string }[]>`
      select actor from sensitive_access order by id desc limit 1`
    await eventually(async () =>
      (await page.locator('tbody tr').first().innerText()).includes(read?.actor ?? '?'),
    )
    await context.close()
  })

  test('a list that fails says so and loads again', async () => {
    const { page, context } = await server.open('/queue', STEWARD)
    await page.waitForSelector('[role=row]')
    let fails = true
    await context.route('**/graphql', (route) =>
      fails && route.request().postData()?.includes('query ActionsList')
        ? route.fulfill({ status: 500, body: '{}' })
        : route.fallback(),
    )
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await page.getByRole('button', { name: 'Load again' }).waitFor()
    assert.deepEqual(await audit(page), [])
    fails = false
    await page.getByRole('button', { name: 'Load again' }).click()
    await page.waitForSelector('tr[id^=action-]')
    await context.close()
  })

  for (const view of [{}, { dark: true }, { width: 320, height: 700 }])
    test(`axe finds nothing in actions, undo, audit log and reads: ${JSON.stringify(view)}`, async () => {
      const { page, context } = await server.open('/actions', { ...STEWARD, ...view })
      await page.waitForSelector('[data-action]')
      const check = async (name: string) => {
        assert.deepEqual(await audit(page), [], name)
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        assert.ok(wide <= 0, `${name}: ${wide} pixels do not fit the width`)
        if (process.env.SHOTS)
          await page.screenshot({
            path: `${process.env.SHOTS}/${name}${Object.keys(view)[0] ?? ''}.png`,
          })
      }
      await page.keyboard.press('u')
      await page.getByRole('region', { name: 'Undo' }).waitFor()
      await check('actions')
      await page.keyboard.press('2')
      await page.getByText(/entries checked/).waitFor()
      await check('audit')
      await page.keyboard.press('3')
      await page.waitForSelector('table tbody tr')
      await check('reads')
      await context.close()
    })
})
