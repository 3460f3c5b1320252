import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Gateway } from '../../gateway/gateway.ts'
import { EXAMPLES } from '../../gateway/http/examples.ts'
import { secretLink } from '../../gateway/http/secretLink.ts'
import { localCallers } from '../../gateway/identity/callers.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { eventually as until } from '../e2e/eventually.ts'
import { graph, ingestRecords, world } from '../subgraphs/world.ts'
import { chromiumPath, FLAGS, skip } from './chromium.ts'

describe('GraphiQL', { skip }, () => {
  let db: TestDatabase
  let gateway: Gateway
  let browser: Browser
  let page: Page
  const printed: string[] = []

  before(async () => {
    db = await testDatabase()
    await ingestRecords(db.sql, world)
    gateway = await graph(db.sql)
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: FLAGS })
    page = await browser.newPage({ viewport: { width: 1600, height: 900 } })
    page.on('console', (line) => void (line.type() === 'error' && printed.push(line.text())))
    await page.goto(gateway.url)
    await page.waitForSelector('.graphiql-tab')
  })
  after(async () => {
    await browser?.close()
    await gateway?.close(500)
    await db?.drop()
  })

  test('has a tab for each example, which opens at the first click', async () => {
    const tabs = page.locator('.graphiql-tab')
    assert.equal(await tabs.count(), EXAMPLES.length)
    for (const n of [3, 1, EXAMPLES.length - 1, 0, 2]) {
      await tabs.nth(n).locator('.graphiql-tab-button').click()
      await until(
        async () => (await tabs.nth(n).getAttribute('class'))?.includes('active') ?? false,
      )
    }
  })

  test('runs a query and shows its response', async () => {
    await page.locator('.graphiql-tab').nth(0).locator('.graphiql-tab-button').click()
    // A click that comes before the editor has the query of the tab runs that of the tab before.
    await until(async () => {
      await page.locator('.graphiql-execute-button').click()
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      return /"customers"/.test((await page.locator('.graphiql-response').textContent()) ?? '')
    })
  })

  test('its content policy stops foreign scripts, and nothing of the page', async () => {
    assert.deepEqual(printed, [])
    const { refused, title } = await page.evaluate(async () => {
      const refused = new Set<string>()
      addEventListener('securitypolicyviolation', (e) => refused.add(e.effectiveDirective))
      const script = document.createElement('script')
      script.text = 'document.title = "script"'
      const base = document.createElement('base')
      base.href = 'https://attacker.example/'
      const form = document.createElement('form')
      form.action = 'https://attacker.example/'
      document.head.append(script, base)
      document.body.append(form)
      document.body.insertAdjacentHTML(
        'beforeend',
        `<img src="data:," onerror="document.title = 'handler'">`,
      )
      form.submit()
      new WebSocket('wss://attacker.example/').close()
      for (const end = Date.now() + 5_000; refused.size < 5 && Date.now() < end; )
        await new Promise((resolve) => setTimeout(resolve, 50))
      return { refused: [...refused].sort(), title: document.title }
    })
    assert.deepEqual(refused, [
      'base-uri',
      'connect-src',
      'form-action',
      'script-src-attr',
      'script-src-elem',
    ])
    assert.equal(title, 'Touchstone', 'no script ran')
  })

  test('sends the secret of the link with queries and subscriptions, and nothing without it', async (t) => {
    const secret = 'tsd_of-the-link'
    const callers = localCallers({ isSecret: (text) => text === secret })
    const closed = await graph(db.sql, 0, undefined, {}, false, {}, { callers })
    const context = await browser.newContext({ viewport: { width: 1600, height: 900 } })
    t.after(async () => {
      await context.close()
      await closed.close(500)
    })
    const responds = async (tab: Page, example: RegExp, pattern: RegExp) => {
      await tab.locator('.graphiql-tab', { hasText: example }).first().click()
      await tab.locator('.graphiql-execute-button').click()
      await until(async () =>
        pattern.test((await tab.locator('.graphiql-response').textContent()) ?? ''),
      )
    }
    const open = async (url: string) => {
      const tab = await context.newPage()
      await tab.goto(url)
      await tab.waitForSelector('.graphiql-tab')
      return tab
    }
    await responds(await open(closed.url), /./, /UNAUTHENTICATED/)
    const tab = await open(secretLink(closed.url, secret))
    assert.equal(tab.url(), closed.url, 'the address holds no secret')
    assert.deepEqual(await context.cookies(), [], 'other ports would receive a cookie')
    await responds(tab, /./, /"customers"/)
    await responds(await open(closed.url), /./, /"customers"/)
    // A page of another site can link here, but not replace the secret.
    await responds(await open(secretLink(closed.url, 'tsd_foreign')), /./, /"customers"/)
    await responds(await open(secretLink(closed.url, 'tsd_€')), /./, /"customers"/)
    await responds(tab, /Changes/, /"cursor"/)
    assert.equal(closed.inProgress().sockets, 1)
    await ingestRecords(db.sql, [
      { source: 'crm', type: 'Customer', id: 'LINK', version: 1, fields: { name: 'Linkwerk' } },
    ])
    await until(async () =>
      /"op"/.test((await tab.locator('.graphiql-response').textContent()) ?? ''),
    )
    // Another port is another page, and its requests have no secret.
    const elsewhere = createServer((_, res) => res.end('<!doctype html>')).listen(0, '127.0.0.1')
    t.after(() => elsewhere.close())
    await once(elsewhere, 'listening')
    const { port } = elsewhere.address() as AddressInfo
    const other = await context.newPage()
    await other.goto(`http://127.0.0.1:${port}/`)
    const stolen = await other.evaluate(
      async ([url]) => {
        const get = (mode: RequestMode) =>
          fetch(`${url}?query={customers{totalCount}}`, { mode, credentials: 'include' }).then(
            (r) => `${r.status}`,
            () => 'failed',
          )
        const socket = await new Promise((resolve) => {
          const ws = new WebSocket(`${url}`.replace('http', 'ws'), 'graphql-transport-ws')
          ws.onopen = () => resolve('open')
          ws.onerror = () => resolve('failed')
        })
        const stored = localStorage.getItem('touchstone-secret')
        return [await get('cors'), socket, stored]
      },
      [closed.url],
    )
    assert.deepEqual(stolen, ['failed', 'failed', null])
  })
})
