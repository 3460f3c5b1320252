import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../e2e/eventually.ts'
import { skip } from './chromium.ts'
import { audit, type ConsoleServer, consoleServer } from './consolePage.ts'

describe('the console', { skip }, () => {
  let server: ConsoleServer
  before(async () => {
    server = await consoleServer()
  })
  after(() => server?.close())

  const titles = `{ tasks(first: 60) { totalCount nodes { id kind assignee deferredUntil subjects { title } } } }`

  test('takes the secret out of the address, loads nothing from other hosts, and prints no error', async () => {
    const { page, errors, context } = await server.open('/queue')
    const hosts = new Set<string>()
    page.on('request', (r) => hosts.add(new URL(r.url()).host))
    await page.waitForSelector('[role=row]')
    assert.ok(!page.url().includes('secret'))
    await page.reload()
    await page.waitForSelector('[role=row]')
    assert.deepEqual([...hosts], [new URL(server.url).host])
    assert.deepEqual(await context.cookies(), [])
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('the queue shows the tasks of the graph in its order, with its counts', async () => {
    const { page, context } = await server.open('/queue')
    await page.waitForSelector('[role=row]')
    const { tasks } = await server.graph(titles)
    const ids = await page
      .locator('[role=row]')
      .evaluateAll((rows) => rows.map((r) => r.id.replace('task-', '')))
    assert.deepEqual(
      ids,
      tasks.nodes.slice(0, ids.length).map((t: { id: string }) => t.id),
    )
    await page.getByText(`${tasks.totalCount} tasks`).waitFor()
    const kinds = await server.sql<{ kind: string; n: number }[]>`
      select kind, count(*)::int as n from task where state = 'OPEN' group by kind`
    for (const { kind, n } of kinds)
      await page
        .getByRole('button', { name: `${kind.replaceAll('_', ' ').toLowerCase()} ${n}` })
        .waitFor()
    await context.close()
  })

  test('j and k move, x selects, e claims in the store, and u is offered', async () => {
    const { page, context } = await server.open('/queue', { actor: 'ida' })
    await page.waitForSelector('[data-current]')
    const { tasks } = await server.graph(titles)
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    const second = tasks.nodes[1].id
    await page.waitForSelector(`#task-${second}[data-current]`)
    assert.match(page.url(), new RegExp(`at=${second}`), 'a link to it shows the same')
    await page.keyboard.press('x')
    await page.keyboard.press('e')
    await page.getByText('Claimed 1 task').waitFor()
    const [row] = await server.sql`select assignee from task where id = ${second}`
    assert.equal(row?.assignee, 'ida')
    await page.getByRole('button', { name: /^Undo/ }).click()
    await page.getByText('Released 1 task').waitFor()
    const [released] = await server.sql`select assignee from task where id = ${second}`
    assert.equal(released?.assignee, null)
    await context.close()
  })

  test('s defers until tomorrow, and the list of another steward follows', async () => {
    const [one, other] = [await server.open('/queue'), await server.open('/queue')]
    for (const { page } of [one, other]) await page.waitForSelector('[data-current]')
    await other.page.locator('[data-state=LIVE]').waitFor()
    const { tasks } = await server.graph(titles)
    const [first] = tasks.nodes
    await one.page.keyboard.press('s')
    await one.page.getByText('Deferred 1 task').waitFor()
    await other.page.waitForSelector(`#task-${first.id}`, { state: 'detached' })
    const [row] = await server.sql<{ deferred: boolean }[]>`
      select deferred_until > now() as deferred from task where id = ${first.id}`
    assert.equal(row?.deferred, true)
    await one.page.getByRole('button', { name: /^Undo/ }).click()
    await other.page.waitForSelector(`#task-${first.id}`)
    await one.context.close()
    await other.context.close()
  })

  test('a filter is in the address, and counts what is left', async () => {
    const { page, context } = await server.open('/queue?kinds=CONFLICT')
    const [conflicts] = await server.sql<{ n: number }[]>`
      select count(*)::int as n from task where state = 'OPEN' and kind = 'CONFLICT'`
    await page.getByText(new RegExp(`^${conflicts?.n} tasks?`)).waitFor()
    await page.getByRole('button', { name: /^conflict/ }).click()
    await eventually(() => !page.url().includes('kinds'))
    await context.close()
  })

  for (const view of [{}, { dark: true }, { width: 320, height: 700 }])
    test(`axe finds nothing in queue, palette and key sheet: ${JSON.stringify(view)}`, async () => {
      const { page, context } = await server.open('/queue', view)
      await page.waitForSelector('[role=row]')
      assert.deepEqual(await audit(page), [])
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
      assert.deepEqual(await audit(page), [])
      await page.keyboard.press('Escape')
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').waitFor()
      assert.deepEqual(await audit(page), [])
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(wide <= 0, `${wide} pixels do not fit the width`)
      await context.close()
    })

  test('signed out, the screen stays and asks for the sign-in', async () => {
    const { page, context } = await server.open('/queue')
    await page.waitForSelector('[role=row]')
    server.renewSecret()
    // The gateway remembers the last one for a second.
    await sleep(1_100)
    await page.keyboard.press('e')
    await page.getByRole('dialog', { name: 'Sign in' }).waitFor()
    assert.deepEqual(await audit(page), [])
    assert.ok((await page.locator('[role=row]').count()) > 0, 'the list is still there')
    await context.close()
  })
})
