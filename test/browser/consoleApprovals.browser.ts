import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../e2e/eventually.ts'
import { skip } from './chromium.ts'
import { audit, type ConsoleServer, consoleServer } from './consolePage.ts'

const APPROVER = { actor: 'eve', roles: 'steward,approver' }
interface Customer {
  id: string
  name: string
  version: number
  owner: string
}

describe('the approvals in the console', { skip }, () => {
  let server: ConsoleServer
  let customers: Customer[]
  before(async () => {
    server = await consoleServer()
    customers = await server.sql<Customer[]>`
      select id, values->>'name' as name, version, values->>'accountOwner' as owner from golden
      where type = 'Customer' and state = 'ACTIVE' and values ? 'accountOwner' order by id limit 8`
    assert.equal(customers.length, 8)
  })
  after(() => server?.close())

  let keys = 0
  /** The development caller proposes another account owner. */
  async function propose(n: number, value: string, agent: string | null = null) {
    const { id, version, name } = (
      await server.sql<Customer[]>`
      select id, version, values->>'name' as name from golden where id = ${customers[n]?.id ?? ''}`
    )[0] as Customer
    const { proposeAction } = await server.graph(
      `mutation ($action: StewardActionInput!, $agent: String, $key: String!) {
        proposeAction(action: $action, reason: "as the sales team says", idempotencyKey: $key, agent: $agent) {
          __typename ... on ApprovalNeeded { action { id } } } }`,
      {
        action: { override: { record: { id, version }, field: 'accountOwner', value } },
        agent,
        key: `approvals ${keys++}`,
      },
    )
    assert.equal(proposeAction.__typename, 'ApprovalNeeded')
    return { proposal: proposeAction.action.id as string, id, version, name }
  }
  const stored = async (proposal: string) =>
    (
      await server.sql<{ state: string; by: string | null; decision: string | null }[]>`
      select state, decided_by as by, decision from action where id = ${proposal}`
    )[0]
  const ownerOf = async (id: string) =>
    (await server.sql`select values->>'accountOwner' as owner from golden where id = ${id}`)[0]
      ?.owner
  const open = async (proposal: string, options = {}) => {
    const opened = await server.open(`/approvals?at=${proposal}`, { ...APPROVER, ...options })
    await opened.page.waitForSelector(`[data-proposal="${proposal}"]`)
    return opened
  }

  test('nothing waits: it says what appears here', async () => {
    const { page, context } = await server.open('/approvals', APPROVER)
    await page.getByRole('heading', { name: 'Nothing waits for an approval' }).waitFor()
    assert.deepEqual(await audit(page), [])
    await context.close()
  })

  test('a approves what the author saw, with the chosen reason, goes on to the next, and u undoes it', async () => {
    const one = await propose(0, 'Bo Approved')
    const two = await propose(1, 'Bo Next', 'robo 1.0')
    const { page, context, errors } = await server.open('/approvals', APPROVER)
    await page.waitForSelector(`[data-proposal="${one.proposal}"]`)
    await page.getByText('2 proposals waiting').waitFor()
    const rows = await page.locator('tr[id^=proposal-]').evaluateAll((r) => r.map((x) => x.id))
    assert.deepEqual(rows, [`proposal-${one.proposal}`, `proposal-${two.proposal}`], 'oldest first')
    assert.match(
      await page.locator(`#proposal-${two.proposal}`).innerText(),
      /by the agent robo 1\.0/,
    )
    const [seen] = await server.sql<{ owner: string }[]>`
      select values->>'accountOwner' as owner from change
      where golden_id = ${one.id} and version = ${one.version}`
    const row = page.locator('tr:has(th:text-is("account owner")) td')
    assert.deepEqual(await row.allInnerTexts(), [seen?.owner, 'Bo Approved'])
    await page.getByRole('columnheader', { name: `version ${one.version}` }).waitFor()
    await page.keyboard.press('r')
    await page.keyboard.press('a')
    await page.getByText(/^Approved: /).waitFor()
    await page.waitForSelector(`[data-proposal="${two.proposal}"]`)
    assert.deepEqual(await stored(one.proposal), {
      state: 'DONE',
      by: 'eve',
      decision: 'Confirmed by the customer or its owner',
    })
    assert.equal(await ownerOf(one.id), 'Bo Approved')
    await page.keyboard.press('u')
    await page.getByText(/^Undone: /).waitFor()
    assert.equal(await ownerOf(one.id), seen?.owner)
    await page.keyboard.press('Shift+R')
    await page.keyboard.press('d')
    await page.getByText(/^Declined: /).waitFor()
    assert.deepEqual(await stored(two.proposal), {
      state: 'DECLINED',
      by: 'eve',
      decision: 'It is wrong',
    })
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('its author cannot approve it and reads why, and withdraws it', async () => {
    const { proposal } = await propose(2, 'Bo Own')
    const { page, context } = await server.open('/approvals?mine=true')
    await page.waitForSelector(`[data-proposal="${proposal}"]`)
    const button = page.getByRole('button', { name: /^Approve/ })
    assert.equal(await button.getAttribute('aria-disabled'), 'true')
    assert.match((await button.getAttribute('title')) ?? '', /You are its author/)
    await page.keyboard.press('a')
    assert.equal((await stored(proposal))?.state, 'PROPOSED')
    await page.keyboard.press('w')
    await page.getByText(/^Withdrawn: /).waitFor()
    assert.equal((await stored(proposal))?.state, 'WITHDRAWN')
    await page.getByRole('heading', { name: 'No proposal of yours waits' }).waitFor()
    await context.close()
  })

  test('whose roles allow no approval reads why', async () => {
    const { proposal } = await propose(3, 'Bo Refused')
    const { page, context } = await open(proposal, { actor: 'carl', roles: 'steward' })
    const button = page.getByRole('button', { name: /^Approve/ })
    assert.match((await button.getAttribute('title')) ?? '', /No role of yours allows APPROVE/)
    await page.keyboard.press('a')
    await page.keyboard.press('d')
    assert.equal((await stored(proposal))?.state, 'PROPOSED')
    await context.close()
  })

  for (const view of [{}, { dark: true }, { width: 320, height: 700 }])
    test(`a stale proposal says what changed since and what to do; axe finds nothing: ${JSON.stringify(view)}`, async () => {
      const n = 4 + Object.keys(view).length
      const { proposal, id, version, name } = await propose(n, 'Bo Late')
      const { overrideField } = await server.graph(
        `mutation ($input: OverrideInput!, $key: String!) {
          overrideField(input: $input, reason: "test", idempotencyKey: $key) { __typename } }`,
        {
          input: { record: { id, version }, field: 'name', value: `${name} Renamed` },
          key: `stale ${n}`,
        },
      )
      assert.equal(overrideField.__typename, 'ActionDone')
      const { page, context } = await open(proposal, view)
      await page.getByText(/^Its records changed since .* saw them,/).waitFor()
      const cells = page.locator('tr:has(th:text-is("name")) td')
      assert.deepEqual(await cells.allInnerTexts(), [name, `${name} Renamed`])
      await page.keyboard.press('a')
      assert.equal((await stored(proposal))?.state, 'PROPOSED')
      assert.deepEqual(await audit(page), [])
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(wide <= 0, `${wide} pixels do not fit the width`)
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/stale${n}.png` })
      await page.keyboard.press('d')
      await page.getByText(/^Declined: /).waitFor()
      await context.close()
    })

  test('what somebody else decides is said where it is shown, and its keys do nothing more', async () => {
    const { proposal, id } = await propose(0, 'Bo Twice')
    const [mine, other] = [await open(proposal), await open(proposal, { actor: 'ede' })]
    await other.page.locator('[data-state=LIVE]').waitFor()
    await mine.page.keyboard.press('a')
    await mine.page.getByText(/^Approved: /).waitFor()
    await other.page.getByText('Decided meanwhile:').waitFor()
    await other.page.getByText('done by eve').waitFor()
    await other.page.keyboard.press('d')
    assert.equal((await stored(proposal))?.state, 'DONE')
    assert.equal(await ownerOf(id), 'Bo Twice')
    await mine.context.close()
    await other.context.close()
  })

  test('a failed load says so, keeps the list, and loads again', async () => {
    const { proposal } = await propose(1, 'Bo Failed')
    const { page, context } = await open(proposal)
    let fails = true
    await context.route('**/graphql', (route) =>
      fails && route.request().postData()?.includes('query Approval(')
        ? route.fulfill({ status: 500, body: '{}' })
        : route.fallback(),
    )
    const { proposal: second } = await propose(2, 'Bo After')
    await page.waitForSelector(`#proposal-${second}`)
    await page.locator(`#proposal-${second} button`).click()
    await page.getByRole('alert').first().waitFor()
    assert.ok((await page.locator('tr[id^=proposal-]').count()) >= 2)
    assert.deepEqual(await audit(page), [])
    fails = false
    await page.getByRole('button', { name: 'Load again' }).click()
    await page.waitForSelector(`[data-proposal="${second}"]`)
    await eventually(async () => (await page.getByRole('alert').count()) === 0)
    await context.close()
  })
})
