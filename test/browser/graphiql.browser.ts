import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Gateway } from '../../gateway/gateway.ts'
import { EXAMPLES } from '../../gateway/http/examples.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { eventually as until } from '../e2e/eventually.ts'
import { graph, ingestRecords, world } from '../subgraphs/world.ts'
import { chromiumPath, FLAGS, skip } from './chromium.ts'

describe('GraphiQL', { skip }, () => {
  let db: TestDatabase
  let gateway: Gateway
  let browser: Browser
  let page: Page

  before(async () => {
    db = await testDatabase()
    await ingestRecords(db.sql, world)
    gateway = await graph(db.sql)
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: FLAGS })
    page = await browser.newPage({ viewport: { width: 1600, height: 900 } })
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
    await page.locator('.graphiql-execute-button').click()
    await until(async () =>
      /"customers"/.test((await page.locator('.graphiql-response').textContent()) ?? ''),
    )
  })
})
