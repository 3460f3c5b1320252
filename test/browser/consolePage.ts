import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { buildConsole } from '../../cli/server/consoleBuild.ts'
import { renewDevelopmentSecret } from '../../gateway/identity/developmentSecret.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { touchstone } from '../cli/process.ts'
import { testDatabase } from '../database.ts'
import { ask } from '../gateway/gateway.ts'
import { chromiumPath, FLAGS } from './chromium.ts'

const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
/** Companies of the demo world: enough for a few tasks of each kind. */
const companiesDefault = 120

/** A busy machine paints late. */
const waitMsMax = 90_000

/** The real program with the demo world, and a browser that looks at its console. */
export interface ConsoleServer {
  sql: Sql
  /** URL of the console. */
  url: string
  browser: Browser
  /** Opens a path below /console as the development caller. Errors of the page fail the test. */
  open(path: string, options?: PageOptions): Promise<ConsolePage>
  /** Asks the graph. Throws its errors. */
  // biome-ignore lint/suspicious/noExplicitAny: data of any operation
  graph(text: string, variables?: object): Promise<any>
  /** Makes the secret that pages use void, as another start on the same data does. */
  renewSecret(): void
  close(): Promise<void>
}
interface PageOptions {
  dark?: boolean
  width?: number
  height?: number
  actor?: string
  roles?: string
  /** False: the page learns nothing of what others change. */
  socket?: boolean
  /** Requests of the page are those of a caller with this role of config/access.yaml. */
  token?: string
}
export interface ConsolePage {
  page: Page
  context: BrowserContext
  /** Errors that the page printed, without failed requests that a test provokes. */
  errors: string[]
}

/**
 * `flags` are those of `start`. `port` and `env`: for a server whose callers sign in at an issuer;
 * then `graph` is of no use. `pairs`: in place of the demo world, customers of Salesforce of which
 * each two are a possible match.
 */
export async function consoleServer(
  companies = companiesDefault,
  {
    port = 0,
    env = {},
    flags = [],
    pairs = 0,
  }: {
    port?: number
    env?: Record<string, string>
    flags?: readonly string[]
    pairs?: number
  } = {},
): Promise<ConsoleServer> {
  await buildConsole()
  const db = await testDatabase()
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-console-'))
  const world = pairs > 0 ? ['--no-demo'] : ['--companies', String(companies)]
  const start = ['start', '--port', String(port), ...world, ...flags]
  const program = touchstone(start, dir, { DATABASE_URL: db.url, ...env })
  const stop = async () => {
    program.child.kill('SIGTERM')
    await program.ended
    await db.drop()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    const [, graphUrl = ''] = await program.says(/GraphQL {6}(\S+)/)
    await program.says(/Stop with Ctrl-C/)
    if (pairs > 0) await loadPairs(dir, { DATABASE_URL: db.url, ...env }, pairs)
    const file = join(dir, 'development-secret')
    const secret = () => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '')
    const browser = await chromium.launch({ executablePath: chromiumPath as string, args: FLAGS })
    const url = `${new URL(graphUrl).origin}/console`
    return {
      sql: db.sql,
      url,
      browser,
      async open(
        path,
        { dark = false, width = 1440, height = 900, actor, roles, token, socket = true } = {},
      ) {
        const context = await browser.newContext({
          viewport: { width, height },
          colorScheme: dark ? 'dark' : 'light',
          reducedMotion: 'reduce',
        })
        context.setDefaultTimeout(waitMsMax)
        if (!socket) await context.routeWebSocket(/graphql/, () => {})
        if (actor !== undefined)
          await context.addInitScript(
            ([name, person]) => sessionStorage.setItem(name as string, person as string),
            ['touchstone-person', JSON.stringify({ actor, roles: roles ?? '' })],
          )
        if (token !== undefined) await useToken(context, await tokenOf(dir, token))
        const page = await context.newPage()
        const errors: string[] = []
        page.on('pageerror', (e) => errors.push(e.message))
        page.on('console', (line) => {
          if (line.type() === 'error' && !/Failed to load resource|WebSocket/.test(line.text()))
            errors.push(line.text())
        })
        await page.goto(`${url}${path}${secret() && `#secret=${secret()}`}`)
        return { page, context, errors }
      },
      async graph(text, variables = {}) {
        const { body } = await ask(graphUrl, text, {
          variables,
          headers: { authorization: `Bearer ${secret()}` },
        })
        assert.equal(body.errors, undefined, JSON.stringify(body.errors))
        return body.data
      },
      renewSecret: () => void renewDevelopmentSecret(dir),
      async close() {
        await browser.close()
        await stop()
      },
    }
  } catch (e) {
    await stop()
    throw e
  }
}

/** Loads pairs of customers by the command, so that the engine finds them as it finds others. */
async function loadPairs(dir: string, env: Record<string, string>, pairs: number): Promise<void> {
  const file = join(dir, 'accounts.ndjson')
  const at = '2026-01-01T00:00:00.000Z'
  const rows = Array.from({ length: pairs }, (_, n) => {
    const word = wordOf(n)
    const Phone = `+4420${30_000_000 + n * 7}`
    const row = { Type: 'Customer', Phone, SystemModstamp: at, BillingCountryCode: 'GB' }
    return [
      {
        ...row,
        Id: `A${n}`,
        Name: `${word} Trading Ltd`,
        Website: `${word.toLowerCase()}.example`,
      },
      { ...row, Id: `B${n}`, Name: `${word} Travel` },
    ]
  }).flat()
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'))
  const { ended, output } = touchstone(
    ['load', '-s', 'salesforce', '-o', 'Account', file],
    dir,
    env,
  )
  assert.equal(await ended, 0, output())
}

/** Returns a made-up word for each number, in which neighbours have little in common. */
function wordOf(n: number): string {
  const parts = [
    'zor',
    'quim',
    'hex',
    'bral',
    'tov',
    'nyd',
    'wesk',
    'pular',
    'jint',
    'ombe',
    'fask',
  ]
  const mixed = (n * 7_919 + 1_234) % parts.length ** 4
  const at = [1, 11, 121, 1_331].map((d) => parts[Math.floor(mixed / d) % parts.length] ?? '')
  const word = at.join('')
  return `${word[0]?.toUpperCase()}${word.slice(1)}`
}

async function tokenOf(dir: string, role: string): Promise<string> {
  const { ended, output } = touchstone(['token', '--role', role], dir)
  assert.equal(await ended, 0, output())
  return output().trim()
}

/** The page sends the secret of the start; the server gets the token in its place. */
async function useToken(context: BrowserContext, token: string): Promise<void> {
  await context.route('**/graphql', (route) =>
    route.continue({ headers: { ...route.request().headers(), authorization: `Bearer ${token}` } }),
  )
}

/** Checks a page with axe, by the rules of WCAG 2.2 AA. Returns a line for each violation. */
export async function audit(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(axeFile, 'utf8'))
  return await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    // biome-ignore lint/suspicious/noExplicitAny: axe is a global of the page here
    const { violations } = await (globalThis as any).axe.run(document, { runOnly: tags })
    return violations.flatMap(
      (v: { id: string; nodes: { target: string[]; failureSummary: string }[] }) =>
        v.nodes.map(
          (n) => `${v.id} ${n.target.join(' ')}: ${n.failureSummary.split('\n')[1]?.trim()}`,
        ),
    )
  })
}
