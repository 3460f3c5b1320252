import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { eventually } from '../e2e/eventually.ts'
import { freePort } from '../faults/installation.ts'
import { skip } from './chromium.ts'
import { audit, type ConsoleServer, consoleServer } from './consolePage.ts'
import { CLIENT, type OpenIdProvider, openIdProvider } from './openIdProvider.ts'

describe('the sign-in of the console at an OpenID provider', { skip }, () => {
  let server: ConsoleServer
  let provider: OpenIdProvider
  before(async () => {
    const port = await freePort()
    provider = await openIdProvider(`http://127.0.0.1:${port}`)
    server = await consoleServer(30, {
      port,
      env: {
        TOUCHSTONE_AUTH_ISSUER: provider.issuer,
        TOUCHSTONE_CONSOLE_CLIENT_ID: CLIENT,
        TOUCHSTONE_AUTH_CLOCK_SKEW_SECONDS_MAX: '0',
      },
    })
  })
  after(async () => {
    await server?.close()
    await provider?.close()
  })

  /** Opens the console without a session at the issuer, with these tokens. */
  const open = async (path: string, tokens: Partial<OpenIdProvider['tokens']> = {}) => {
    Object.assign(provider.tokens, { audience: 'touchstone', seconds: 300, refresh: true }, tokens)
    provider.events.length = 0
    const opened = await server.open(path)
    // The pages of the provider would load fonts from elsewhere.
    await opened.context.route(/googleapis/, (route) => route.abort())
    return opened
  }
  /** Enters a name at the issuer, and consents. */
  const enter = async (page: Page, name = 'admin') => {
    await page.fill('[name=login]', name)
    await page.fill('[name=password]', 'any')
    await page.getByRole('button', { name: 'Sign-in' }).click()
    await page.getByRole('button', { name: 'Continue' }).click()
  }
  const signedIn = (page: Page) => page.waitForSelector('[role=row]')

  test('the code flow with PKCE leads back to the same address, and stores no token', async () => {
    const { page, context, errors } = await open('/queue?kinds=CONFLICT')
    const request = page.waitForRequest(/\/auth\?/)
    await page.goto(`${server.url}/queue?kinds=CONFLICT`)
    const asked = new URL((await request).url()).searchParams
    assert.equal(asked.get('code_challenge_method'), 'S256')
    assert.equal(asked.get('redirect_uri'), `${server.url}/signed-in`)
    await enter(page)
    await page
      .getByText(/tasks?$/)
      .first()
      .waitFor()
    assert.equal(page.url(), `${server.url}/queue?kinds=CONFLICT`)
    await page.getByText('Signed in as').waitFor({ state: 'attached' })
    await page.getByRole('button', { name: /admin/ }).waitFor()
    const stored = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))
    assert.doesNotMatch(stored, /eyJ/)
    assert.deepEqual(errors, [])
    await context.close()
  })

  test('a role of the token is what the person may do', async () => {
    const { page, context } = await open('/search')
    await enter(page, 'reader')
    await page.getByText('Queue: Needs the right stewardship:read').waitFor({ state: 'attached' })
    await context.close()
  })

  test('a token is renewed before it ends, also over the socket, and the person sees nothing', async () => {
    const { page, context } = await open('/queue', { seconds: 6 })
    await enter(page)
    await signedIn(page)
    const consumed = () => provider.events.filter((e) => e === 'refresh_token.consumed').length
    await page.locator('[data-state=LIVE]').waitFor()
    await page.waitForTimeout(8_000)
    const [before, id] = [consumed(), await page.locator('[data-current]').getAttribute('id')]
    await page.keyboard.press('e')
    await page.getByText('Claimed 1 task').waitFor()
    const [row] = await server.sql`
      select assignee from task where id = ${String(id).replace('task-', '')}`
    assert.equal(row?.assignee, 'admin')
    assert.ok(consumed() > before, `${consumed()} renewals, ${before} before`)
    await page.locator('[data-state=LIVE]').waitFor()
    assert.equal(await page.getByRole('dialog', { name: 'Sign in' }).count(), 0)
    assert.deepEqual(
      provider.events.filter((e) => e === 'grant.error'),
      [],
      'each refresh token is used once',
    )
    await page.keyboard.press('u')
    await context.close()
  })

  test('a session that ends keeps the screen, asks for the sign-in, and returns to the same page', async () => {
    const { page, context } = await open('/queue', { seconds: 3, refresh: false })
    await enter(page)
    await signedIn(page)
    await page.keyboard.press('j')
    const address = page.url()
    assert.match(address, /at=/)
    await page.waitForTimeout(3_500)
    await page.keyboard.press('e')
    const dialog = page.getByRole('dialog', { name: 'Sign in' })
    await dialog.getByText('The token has expired').waitFor()
    assert.ok((await page.locator('[role=row]').count()) > 0, 'the list is still there')
    assert.deepEqual(await audit(page), [])
    provider.tokens.seconds = 300
    await dialog.getByRole('button', { name: 'Sign in' }).click()
    // The issuer knows the person: it does not ask again.
    await signedIn(page)
    assert.equal(page.url(), address)
    assert.equal(await dialog.count(), 0)
    await context.close()
  })

  test('who signs out is signed out at the issuer too, and its refresh token is void', async () => {
    const { page, context } = await open('/queue')
    await enter(page)
    await signedIn(page)
    await page.getByRole('button', { name: /admin/ }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: /Yes, sign me out/ }).click()
    await page.getByText('You signed out.').waitFor()
    assert.ok(
      provider.events.includes('grant.revoked') || provider.events.includes('end_session.success'),
    )
    assert.ok(provider.events.includes('end_session.success'))
    for (const dark of [false, true]) {
      await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' })
      assert.deepEqual(await audit(page), [])
    }
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForSelector('[name=login]')
    await enter(page, 'steward')
    await page.getByRole('button', { name: /steward/ }).waitFor()
    assert.equal(page.url().replace(/\?.*/, ''), `${server.url}/queue`)
    await context.close()
  })

  test('a token for another audience is refused, with the reason, and not asked for again and again', async () => {
    const { page, context } = await open('/queue', { audience: 'payroll' })
    await enter(page)
    await page.getByText('The token is not meant for the audience touchstone').waitFor()
    await page.waitForTimeout(1_000)
    assert.equal(provider.events.filter((e) => e === 'access_token.issued').length, 1)
    assert.deepEqual(await audit(page), [])
    await context.close()
  })

  test('an address of the console that the client does not have is refused by the issuer', async () => {
    const { page, context } = await open('/queue')
    await page.waitForSelector('[name=login]')
    await page.goto(server.url.replace('127.0.0.1', 'localhost'))
    await page.getByText('invalid_redirect_uri').first().waitFor()
    assert.equal(new URL(page.url()).origin, provider.issuer)
    await context.close()
  })

  test('a return with another state, issuer or code gives no session, and says why', async () => {
    const { page, context } = await open('/queue')
    provider.tamper = (address) => address.searchParams.set('state', 'of-somebody-else')
    await enter(page)
    await page.getByText(/not begun in this tab/).waitFor()
    provider.tamper = (address) => address.searchParams.set('iss', 'https://other.example')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText(/by another issuer/).waitFor()
    provider.tamper = (address) => address.searchParams.set('code', 'stolen')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('grant request is invalid').waitFor()
    assert.equal(await page.locator('[role=row]').count(), 0)
    assert.equal(page.url(), `${server.url}/queue`, 'no code stays in the address')
    // A link that somebody sends, to a sign-in of their own.
    await page.goto(`${server.url}/signed-in?code=theirs&state=theirs`)
    await page.getByText(/not begun in this tab/).waitFor()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await signedIn(page)
    await context.close()
  })

  test('a person who refuses the consent, and an issuer that is away, leave a page that says so', async () => {
    const { page, context } = await open('/queue')
    await page.getByText('[ Cancel ]').click()
    await page.getByText('End-User aborted interaction').waitFor()
    await page.route(`${provider.issuer}/**`, (route) => route.abort())
    await page.reload()
    await page.getByText(/does not respond, or does not allow requests of this page/).waitFor()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText(/does not respond, or does not allow requests of this page/).waitFor()
    await eventually(() => page.url() === `${server.url}/queue`)
    assert.deepEqual(await audit(page), [])
    await context.close()
  })
})
