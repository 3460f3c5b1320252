import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { DEVELOPMENT_SECRET_PREFIX } from '../identity/developmentSecret.ts'
import { EXAMPLES } from './examples.ts'
import { LINK_SECRET } from './secretLink.ts'

/**
 * GraphiQL makes its tabs movable in a way that shifts a tab under the pointer when it is pressed for
 * the first time: the browser then sends the click to the bar, and the tab stays closed.
 */
const CLICK_TABS = `
let pressed = null
addEventListener('pointerdown', (e) => {
  const tab = e.target.closest?.('.graphiql-tab-button')
  pressed = tab && { tab, x: e.clientX, y: e.clientY }
}, true)
addEventListener('click', (e) => {
  const { tab, x, y } = pressed ?? {}
  pressed = null
  const isClick = tab && Math.hypot(e.clientX - x, e.clientY - y) < 4
  if (isClick && e.isTrusted && !tab.contains(e.target)) tab.click()
}, true)`

/**
 * Takes the secret out of the link, and sends it with every request of the page. The browser's
 * storage belongs to scheme, host and port. A cookie would be sent to every port of the host, so
 * also to a server of another user, and with requests of other pages. Any page can link here with a
 * secret of its own, so one is stored only once a request with it was accepted, and a rejected one
 * is forgotten: it is of an earlier start, and a process of our own user may need none.
 */
const SEND_SECRET = `
let linked = new URLSearchParams(location.hash.slice(1)).get('${LINK_SECRET}')
if (linked?.startsWith('${DEVELOPMENT_SECRET_PREFIX}')) history.replaceState(null, '', location.pathname + location.search)
if (!/^${DEVELOPMENT_SECRET_PREFIX}[\\w-]+$/.test(linked)) linked = null
const currentSecret = () => linked ?? localStorage.getItem('touchstone-secret')
const secretHeaders = () => {
  const secret = currentSecret()
  return secret ? { authorization: 'Bearer ' + secret } : {}
}
const forget = (secret) => {
  if (linked === secret) linked = null
  else localStorage.removeItem('touchstone-secret')
}
const sendRequest = globalThis.fetch
globalThis.fetch = async (to, init = {}) => {
  const given = new Headers(init.headers ?? to.headers)
  const isOwn = new URL(to.url ?? to, location.href).origin === location.origin
  if (!isOwn || given.has('authorization') || given.has('x-api-key')) return await sendRequest(to, init)
  for (;;) {
    const secret = currentSecret()
    const headers = new Headers(given)
    for (const [name, value] of Object.entries(secretHeaders())) headers.set(name, value)
    const response = await sendRequest(to, { ...init, headers })
    if (!secret) return response
    if (response.status !== 401) {
      localStorage.setItem('touchstone-secret', secret)
      if (linked === secret) linked = null
      return response
    }
    if (currentSecret() === secret) forget(secret)
  }
}`
/** Stands for a function of the page in the options, which are JSON. */
const PARAMS = 'params of the socket'

interface GraphiqlPage {
  gzipped: Buffer
  /** Without the pages that may embed it. */
  contentPolicy: string
}
let page: Promise<GraphiqlPage> | undefined

/**
 * Sends GraphiQL as one self-contained page, built on the first request. It loads nothing from
 * another host, and its content security policy enforces that. Pages of the allowed origins may
 * embed it.
 */
export async function sendGraphiql(
  res: ServerResponse,
  path: string,
  origins: ReadonlySet<string>,
): Promise<void> {
  page ??= render(path)
  const { gzipped, contentPolicy } = await page
  res.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-encoding': 'gzip',
    'content-length': gzipped.length,
    'cache-control': 'no-cache',
    'content-security-policy': `${contentPolicy}; frame-ancestors ${[...origins].join(' ') || "'none'"}`,
    // Pages that open this one get no handle of its window, and those it links to no address.
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'same-origin',
  })
  res.end(gzipped)
}

async function render(path: string): Promise<GraphiqlPage> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const html = renderGraphiQL({
    title: 'Touchstone',
    endpoint: path,
    subscriptionsProtocol: 'WS',
    connectionParams: PARAMS,
    defaultTabs: EXAMPLES.map(({ title, query }) => ({ query: `# ${title}\n${query}` })),
  } as Parameters<typeof renderGraphiQL>[0])
  const whole = html
    .replace('<div id="root">', `<script>${CLICK_TABS}${SEND_SECRET}</script>$&`)
    .replace(JSON.stringify(PARAMS), 'secretHeaders')
  return { gzipped: await promisify(gzip)(whole), contentPolicy: contentPolicyOf(whole) }
}

/**
 * Returns the content security policy of a page. It runs the scripts that it has, by their hashes,
 * and no other: a value or a description that became HTML could otherwise run as one. Its workers
 * are blobs of these scripts. `'self'` includes WebSockets of the page's own host.
 */
function contentPolicyOf(html: string): string {
  const scripts = Array.from(html.matchAll(/<script>(.*?)<\/script>/gs), ([, text = '']) => {
    const hash = createHash('sha256').update(text.replace(/\r\n?/g, '\n')).digest('base64')
    return `'sha256-${hash}'`
  })
  return [
    "default-src 'none'",
    `script-src ${scripts.join(' ')}`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}
