import type { ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { EXAMPLES } from './examples.ts'

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

let page: Promise<Buffer> | undefined

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
  const body = await page
  res.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-encoding': 'gzip',
    'content-length': body.length,
    'cache-control': 'no-cache',
    'content-security-policy': `default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; connect-src 'self' ws: wss: data: blob:; frame-ancestors ${[...origins].join(' ') || "'none'"}`,
  })
  res.end(body)
}

async function render(path: string): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const html = renderGraphiQL({
    title: 'Touchstone',
    endpoint: path,
    subscriptionsProtocol: 'WS',
    defaultTabs: EXAMPLES.map(({ title, query }) => ({ query: `# ${title}\n${query}` })),
  } as Parameters<typeof renderGraphiQL>[0])
  return promisify(gzip)(html.replace('<div id="root">', `<script>${CLICK_TABS}</script>$&`))
}
