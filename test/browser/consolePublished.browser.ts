import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../e2e/eventually.ts'
import { skip } from './chromium.ts'
import { type ConsoleServer, consoleServer } from './consolePage.ts'

/** Paths of the screens that need no id. */
const paths = [...readFileSync('console/app/screens.ts', 'utf8').matchAll(/path: '([^'$]+)'/g)].map(
  (m) => m[1] ?? '',
)

/** The console at a gateway that executes published operations only. */
describe('the console and an allow-list', { skip }, () => {
  let server: ConsoleServer
  before(async () => {
    server = await consoleServer(undefined, { env: { TOUCHSTONE_OPERATIONS: 'published' } })
  })
  after(() => server?.close())

  /** Opens a page, and notes the operations that it sends and the errors that it gets. */
  async function watched(path: string) {
    const opened = await server.open('/search')
    const sent = new Set<string>()
    const refused: string[] = []
    opened.page.on('response', async (response) => {
      if (!response.url().endsWith('/graphql')) return
      const name = /\b(?:query|mutation) (\w+)/.exec(response.request().postData() ?? '')?.[1]
      sent.add(name ?? '')
      const { errors } = (await response.json().catch(() => ({}))) as { errors?: object[] }
      if (errors) refused.push(`${name}: ${JSON.stringify(errors)}`)
    })
    opened.page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        if (/"type":"error"/.test(String(payload))) refused.push(String(payload))
      }),
    )
    await opened.page.goto(`${server.url}${path}`)
    return { ...opened, sent, refused }
  }
  const idOf = async (type: string) => {
    const [row] = await server.sql<{ id: string }[]>`
      select id from golden g where type = ${type} and state = 'ACTIVE'
      order by (select count(*) from source_record s where s.golden_id = g.id) desc, id limit 1`
    assert.ok(row, type)
    return row.id
  }

  test('an operation that is not published is refused', async () => {
    await assert.rejects(server.graph('{ viewer { name } }'), /PERSISTED_QUERY_REQUIRED/)
  })

  for (const path of paths)
    test(`${path} loads`, async () => {
      const { page, sent, refused, context } = await watched(path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      if (path === '/search') {
        await page.locator('#search-text').fill('gmbh')
        await eventually(async () => sent.has('SearchRecords'))
      }
      await eventually(async () => sent.size > 0)
      assert.deepEqual(refused, [])
      await context.close()
    })

  for (const type of ['Customer', 'Contact', 'Product', 'Contract'])
    test(`each part of a ${type} loads`, async () => {
      const id = await idOf(type)
      const { page, sent, refused, context } = await watched(`/record/${id}`)
      await eventually(async () => sent.has(`RecordOf${type}`))
      await page.getByRole('heading', { level: 1 }).waitFor()
      for (const key of ['2', '3', '4', '5', '6', '1']) {
        await page.keyboard.press(key)
        await page.waitForLoadState('networkidle')
      }
      await page.keyboard.press('5')
      const lists = page.getByRole('group', { name: 'Lists' }).getByRole('button')
      await eventually(async () => (await lists.count()) > 0 || type === 'Contact')
      for (let n = 0; n < (await lists.count()); n++) {
        await lists.nth(n).click()
        await page.waitForLoadState('networkidle')
      }
      assert.ok(sent.has(`RecordHistoryOf${type}`), [...sent].join())
      assert.deepEqual(refused, [])
      await context.close()
    })

  test('a pair is decided and undone', async () => {
    const [task] = await server.sql<{ id: string }[]>`
      select id from task where state = 'OPEN' and kind in ('POSSIBLE_MATCH', 'CONFLICT')
      order by priority desc limit 1`
    const { page, refused, context } = await watched(`/decide/${task?.id}`)
    await page.waitForSelector(`[data-task="${task?.id}"]`)
    await page.keyboard.press('n')
    await page.getByText(/^Not a match: /).waitFor()
    await page.keyboard.press('u')
    await page.getByText(/^Undone: /).waitFor()
    const [row] = await server.sql`select state from task where id = ${task?.id ?? ''}`
    assert.equal(row?.state, 'OPEN')
    assert.deepEqual(refused, [])
    await context.close()
  })
})
