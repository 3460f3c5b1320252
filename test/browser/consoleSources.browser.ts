import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../e2e/eventually.ts'
import { skip } from './chromium.ts'
import { audit, type ConsoleServer, consoleServer } from './consolePage.ts'

/** The models are read and their writes planned; a busy machine takes minutes. */
const readyMsMax = 240_000

/** The model systems of the demo are pulled and written to; the others only send. */
describe('the console: sources', { skip }, () => {
  let server: ConsoleServer
  before(async () => {
    server = await consoleServer(40, { flags: ['--systems', '--write-back', 'approve'] })
    const isReady = async () => {
      const [pulled] = await server.sql<{ n: number }[]>`
        select count(*)::int as n from sync_state where success_at is not null`
      const [writes] = await server.sql<{ n: number }[]>`
        select count(*)::int as n from write_intent where state = 'WAITING_APPROVAL'`
      return (pulled?.n ?? 0) > 3 && (writes?.n ?? 0) > 0
    }
    for (const end = Date.now() + readyMsMax; !(await isReady()); await sleep(250))
      assert.ok(Date.now() < end, 'the model systems are not read in time')
  })
  after(() => server?.close())

  const entry = (key: string) => `[data-entry="${key}"]`
  const stateOf = async (object: string) =>
    (
      await server.sql<{ state: string; detail: string | null; requested: string | null }[]>`
        select state, detail, requested from sync_state where source = 'hubspot' and object = ${object}`
    )[0]

  test('it shows each source system, also those that only send, and each object with the state of the store', async () => {
    const { page, context, errors } = await server.open('/sources')
    await page.waitForSelector(entry('hubspot'))
    const { sourceSystems } = await server.graph(
      '{ sourceSystems(first: 200) { nodes { name intake } } }',
    )
    const states = await server.sql<{ source: string; object: string }[]>`
      select source, object from sync_state`
    const shown = await page
      .locator('[data-entry]')
      .evaluateAll((rows) => rows.map((r) => r.getAttribute('data-entry')))
    assert.deepEqual(
      new Set(shown),
      new Set([
        ...sourceSystems.nodes.map((s: { name: string }) => s.name),
        ...states.map((s) => `${s.source}/${s.object}`),
      ]),
    )
    assert.match(await page.locator(entry('webshop')).innerText(), /sends messages/)
    assert.match(await page.locator(entry('hubspot')).innerText(), /is asked/)
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('an object shows its position, rows, runs with requests, and the limits that are used', async () => {
    const { page, context, errors } = await server.open('/sources?at=hubspot/companies')
    await page.waitForSelector(`${entry('hubspot/companies')}[data-current]`)
    const [stored] = await server.sql<{ rows: number; owner: string }[]>`
      select rows::int as rows from sync_state where source = 'hubspot' and object = 'companies'`
    const rows = page.locator(`${entry('hubspot/companies')} td`).nth(2)
    assert.ok((await rows.innerText()).startsWith(String(stored?.rows)))
    await page.keyboard.press('2')
    const runs = page.getByRole('table', { name: 'Runs' })
    await runs.waitFor()
    const [first] = await server.sql<{ id: string; requests: number; mode: string }[]>`
      select id::text, requests::int as requests, mode from sync_run
      where source = 'hubspot' and object = 'companies' and mode = 'FULL' order by id limit 1`
    const { syncRuns } = await server.graph(
      '{ syncRuns(first: 50, filter: { sources: ["hubspot"], objects: ["companies"] }) { nodes { id mode } } }',
    )
    const row = runs.locator(`[data-run="${first?.id}"]`)
    if (syncRuns.nodes.some((r: { id: string }) => r.id === first?.id))
      assert.match(await row.innerText(), /every row, done/)
    assert.ok((await runs.locator('[data-run]').count()) > 0)
    await page.keyboard.press('1')
    await page.locator(entry('hubspot')).click()
    const limits = page.getByRole('region', { name: 'Limits of its credential' })
    await limits.waitFor()
    const { sourceSystems } = await server.graph(
      '{ sourceSystems(first: 200) { nodes { name limits { name max } } } }',
    )
    const hubspot = sourceSystems.nodes.find((s: { name: string }) => s.name === 'hubspot')
    for (const { name, max } of hubspot.limits) {
      const text = await limits.innerText()
      assert.ok(text.includes(name) && text.includes(max.toLocaleString('en')), text)
    }
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('an object is paused with its consequence in words, started, read again, and each is in the audit log', async () => {
    const { page, context } = await server.open('/sources?at=hubspot/companies')
    await page.waitForSelector(`${entry('hubspot/companies')}[data-current]`)
    const act = async (key: string, title: string, consequence: RegExp) => {
      await page.keyboard.press(key)
      const form = page.getByRole('form', { name: `${title}: hubspot/companies` })
      await form.getByText(consequence).waitFor()
      return form
    }
    await act('p', 'Pause', /until a person starts it again/)
    assert.notEqual((await stateOf('companies'))?.state, 'PAUSED', 'nothing happens before')
    await page.getByLabel('Reason', { exact: true }).fill('A test of the console')
    await page.keyboard.press('Enter')
    await page.getByText('hubspot/companies: paused').waitFor()
    const paused = await stateOf('companies')
    assert.deepEqual([paused?.state, paused?.detail], ['PAUSED', 'A test of the console'])
    await page.locator(entry('hubspot/companies'), { hasText: 'paused' }).waitFor()
    const pause = page.getByRole('button', { name: /^Pause/ })
    await eventually(async () => (await pause.getAttribute('aria-disabled')) === 'true')
    assert.match((await pause.getAttribute('title')) ?? '', /paused already/)
    const now = page.getByRole('button', { name: /^Read now/ })
    assert.match((await now.getAttribute('title')) ?? '', /start it first/)
    assert.deepEqual(await audit(page), [])
    await act('s', 'Start', /from where it stopped/)
    await page.keyboard.press('Enter')
    await page.getByText('hubspot/companies: resumed').waitFor()
    await eventually(async () => (await stateOf('companies'))?.state !== 'PAUSED')
    await page
      .locator(entry('hubspot/companies'), { hasText: /up to date|is being read/ })
      .waitFor()
    await act('Shift+R', 'Read all again', /every row is read again/)
    await page.keyboard.press('Enter')
    await page.getByText('hubspot/companies: will be read as a whole').waitFor()
    const logged = await server.sql<{ event: string }[]>`
      select event from audit where body ->> 'source' = 'hubspot' order by id`
    assert.deepEqual(
      logged.map((l) => l.event),
      ['PAUSE_SYNC', 'RESUME_SYNC', 'RESCAN_SYNC'],
    )
    const only = page.locator(entry('webshop'))
    await only.click()
    await page.waitForSelector(`${entry('webshop')}[data-current]`)
    assert.match((await pause.getAttribute('title')) ?? '', /It only sends/)
    await context.close()
  })

  test('writes are shown by state with reason and golden record, and approved', async () => {
    const [one] = await server.sql<{ source: string }[]>`
      select source from write_intent where state = 'WAITING_APPROVAL' order by id limit 1`
    const source = one?.source ?? ''
    const { page, context } = await server.open(
      `/sources?at=${source}&part=writes&write=WAITING_APPROVAL`,
    )
    await page.waitForSelector('[data-write]')
    const id = (await page.locator('[data-write]').first().getAttribute('data-write')) ?? ''
    const { writeIntent } = await server.graph(
      'query ($id: ID!) { writeIntent(id: $id) { state goldenId changes { field } } }',
      { id },
    )
    const item = page.locator(`[data-write="${id}"]`)
    assert.match(await item.innerText(), /waiting approval/)
    assert.equal(
      await item.getByRole('link').getAttribute('href'),
      `/console/record/${writeIntent.goldenId}`,
    )
    assert.deepEqual(await audit(page), [])
    await page.getByRole('button', { name: `Approve write ${id}` }).click()
    await page.getByText(/They are sent to .*change its records/).waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('Approved 1 write').waitFor()
    await eventually(async () => {
      const [now] = await server.sql<{ state: string }[]>`
        select state from write_intent where id = ${id}`
      return now?.state !== 'WAITING_APPROVAL'
    })
    await context.close()
  })

  test('whose role may not pause reads why', async () => {
    const { page, context } = await server.open('/sources?at=hubspot/companies', {
      actor: 'eve',
      roles: 'approver',
    })
    await page.waitForSelector(`${entry('hubspot/companies')}[data-current]`)
    const pause = page.getByRole('button', { name: /^Pause/ })
    assert.match((await pause.getAttribute('title')) ?? '', /EXCEPTIONS/)
    await page.keyboard.press('p')
    assert.equal(await page.getByRole('form').count(), 0)
    await context.close()
  })

  for (const view of [{}, { dark: true }, { width: 320, height: 700 }])
    test(`axe finds nothing in its parts: ${JSON.stringify(view)}`, async () => {
      const { page, context } = await server.open('/sources?at=hubspot', view)
      await page.waitForSelector(`${entry('hubspot')}[data-current]`)
      assert.deepEqual(await audit(page), [])
      await page.keyboard.press('2')
      await page.getByRole('table', { name: 'Runs' }).waitFor()
      assert.deepEqual(await audit(page), [])
      await page.keyboard.press('p')
      await page.getByRole('form').waitFor()
      assert.deepEqual(await audit(page), [])
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(wide <= 0, `${wide} pixels do not fit the width`)
      await context.close()
    })

  test('a list that fails or is late says so', async () => {
    const { page, context } = await server.open('/queue')
    await page.getByRole('heading', { level: 1 }).waitFor()
    let fails = true
    await page.route('**/graphql', async (route) => {
      if (!(route.request().postData() ?? '').includes('SourcesList')) return route.continue()
      if (fails) return route.abort()
      await new Promise((resolve) => setTimeout(resolve, 2_500))
      return route.continue()
    })
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    await page.getByRole('heading', { name: 'The server does not respond' }).waitFor()
    assert.deepEqual(await audit(page), [])
    fails = false
    await page.getByRole('button', { name: 'Load again' }).click()
    await page.getByText('takes longer than usual').waitFor()
    await page.waitForSelector(entry('webshop'))
    await context.close()
  })
})
