import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../e2e/eventually.ts'
import { skip } from './chromium.ts'
import { audit, type ConsoleServer, consoleServer } from './consolePage.ts'

const CURRENCY = / {2}"Currency of its invoices.*\n {2}currency: String.*\n/

describe('policy and matching in the console', { skip }, () => {
  let server: ConsoleServer
  before(async () => {
    server = await consoleServer(60)
  })
  after(() => server?.close())

  const simulated = (variables: object) =>
    server.graph(
      `mutation ($files: [PolicyFile!]) { simulatePolicy(files: $files, keepModels: true, sample: 500) {
        ... on Simulation { policy types { type changes { count } fields { field count } } }
        ... on ActionRefused { rule detail } } }`,
      variables,
    )

  test('a changed text is shown as lines, simulated, proposed, approved by another, and taken back', async () => {
    const { page, context, errors } = await server.open('/policy', { actor: 'pia' })
    const { policyText } = await server.graph(
      '{ policyText { version files { name text types } } }',
    )
    const file = policyText.files.find((f: { types: string[] }) => f.types.includes('Customer'))
    await page.getByRole('button', { name: 'Customer' }).click()
    assert.equal(await page.getByRole('region', { name: /^Text of/ }).innerText(), file.text)

    // A mistake is refused with its place.
    await page.keyboard.press('e')
    const editor = page.getByRole('textbox', { name: `Text of ${file.name}` })
    await editor.fill(file.text.replace('@golden', '@gold'))
    await editor.press('Escape')
    await page.keyboard.press('s')
    await page
      .getByRole('alert')
      .getByText(/customer\.graphql:\d+.*Nothing was changed/s)
      .waitFor()

    const text = file.text.replace(CURRENCY, '')
    assert.notEqual(text, file.text)
    await editor.fill(text)
    await editor.press('Escape')
    const removed = await page.locator('[data-kind=REMOVED]').allInnerTexts()
    assert.match(removed.join(), /currency: String/)
    assert.equal(await page.locator('[data-kind=ADDED]').count(), 0)
    const publish = page.getByRole('button', { name: /^Publish the changes/ })
    assert.equal(await publish.getAttribute('aria-disabled'), 'true', 'not before a simulation')

    await page.keyboard.press('s')
    const report = page.getByRole('region', { name: 'Result of the simulation' })
    await report.waitFor()
    const files = policyText.files.map((f: { name: string; text: string }) => ({
      name: f.name,
      text: f.name === file.name ? text : f.text,
    }))
    const { simulatePolicy: expected } = await simulated({ files })
    const customers = expected.types.find((t: { type: string }) => t.type === 'Customer')
    assert.ok(customers.changes.count > 0)
    await report.getByText(expected.policy).waitFor()
    await report.getByText(`${customers.changes.count} would have another value`).waitFor()
    const row = report.getByRole('row', { name: /^currency/ })
    const [{ count }] = customers.fields
    assert.match(await row.innerText(), new RegExp(`\\b${count}\\b`))
    assert.deepEqual(await audit(page), [])

    await page.keyboard.press('p')
    await page.getByLabel('Reason').fill('Invoices have it')
    await publish.click()
    await page.getByText('It waits for the approval of a second person').waitFor()
    const [proposal] = await server.sql<{ id: string; policy: string }[]>`
      select id, input ->> 'policy' as policy from action where kind = 'PUBLISH' and state = 'PROPOSED'`
    assert.equal(proposal?.policy, expected.policy)
    await page.keyboard.press('3')
    await page.getByText('pia proposed version').waitFor()
    await server.graph(
      `mutation ($id: ID!) { approveAction(action: $id, reason: "seen") { __typename } }`,
      { id: proposal?.id },
    )
    await eventually(async () => {
      const [p] = await server.sql`select state from publication order by id desc limit 1`
      return p?.state === 'DONE'
    })
    await page.reload()
    await page
      .getByRole('row', { name: new RegExp(`${expected.policy}.*in force.*pia`, 's') })
      .waitFor()

    // The way back: the shipped policy, of which the text is in the list no more.
    await page.getByRole('button', { name: 'Choose the shipped policy' }).click()
    await page.keyboard.press('s')
    await report.waitFor()
    await page.getByText(/would have another value/).waitFor()
    await page.getByLabel('Reason').fill('It was needed')
    await page.getByRole('button', { name: /^Go back to this version/ }).click()
    await page.getByText('It waits for the approval of a second person').waitFor()
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('matching shows thresholds, levels and the sweep that the graph has', async () => {
    const { page, context } = await server.open('/policy?part=matching&type=Customer')
    const { matching } = await server.graph(
      '{ matching(type: "Customer") { threshold comparisons { name levels { weight } } sweep { weight pairs precision recall } } }',
    )
    const at = matching.sweep.find((t: { weight: number }) => t.weight === matching.threshold)
    const row = page.getByRole('row', { name: /in force/ })
    await row.waitFor()
    const cells = await row.getByRole('cell').allInnerTexts()
    assert.equal(cells[0], at.pairs.toLocaleString('en'))
    assert.equal(cells[1], `${(at.precision * 100).toFixed(1)} %`)
    assert.equal(cells[3], `${(at.recall * 100).toFixed(1)} %`)
    const levels = matching.comparisons.flatMap((c: { levels: object[] }) => c.levels)
    const table = page.getByRole('table', { name: /weight of each level/ })
    assert.equal(await table.locator('tbody tr').count(), levels.length)
    await page.getByText('Nobody has labelled a pair yet').waitFor()
    await page.getByText('None was trained on this store').waitFor()
    await page.getByRole('button', { name: 'Contract' }).click()
    await page.waitForURL(/type=Contract/)
    await context.close()
  })

  test('a steward sees matching and versions, and why the text is not shown', async () => {
    const { page, context } = await server.open('/policy', { token: 'steward' })
    await page.getByText('Needs the right policy:try').first().waitFor()
    assert.deepEqual(await audit(page), [])
    await page.keyboard.press('3')
    await page.getByRole('button', { name: 'Choose the shipped policy' }).click()
    const simulate = page.getByRole('button', { name: /^Simulate/ })
    assert.equal(await simulate.getAttribute('aria-disabled'), 'true')
    await page.keyboard.press('2')
    await page.getByRole('row', { name: /in force/ }).waitFor()
    await context.close()
  })

  test('a sweep that fails leaves the rest of the screen', async () => {
    const { page, context } = await server.open('/queue')
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('PolicySweep')) return await route.continue()
      await route.fulfill({ status: 500, json: { errors: [{ message: 'broken' }] } })
    })
    await page.waitForSelector('[role=row]')
    await page.keyboard.press('g')
    await page.keyboard.press('y')
    await page.getByRole('region', { name: /^Text of/ }).waitFor()
    await page.keyboard.press('2')
    await page.getByText('This could not be loaded').waitFor()
    await page.getByRole('table', { name: /weight of each level/ }).waitFor()
    await context.close()
  })

  for (const view of [{}, { dark: true }, { width: 320, height: 700 }])
    test(`axe finds nothing, and all fits: ${JSON.stringify(view)}`, async () => {
      const { page, context } = await server.open('/policy', view)
      await page.getByRole('region', { name: /^Text of/ }).waitFor()
      for (const part of ['1', '2', '3']) {
        await page.keyboard.press(part)
        if (part === '2') await page.getByRole('row', { name: /in force/ }).waitFor()
        if (part === '3') await page.getByRole('row', { name: /shipped/ }).waitFor()
        assert.deepEqual(await audit(page), [], part)
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        assert.ok(wide <= 0, `${part}: ${wide} pixels do not fit the width`)
      }
      await context.close()
    })
})
