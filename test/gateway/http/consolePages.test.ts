import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { testGateway } from '../gateway.ts'

let it: Awaited<ReturnType<typeof testGateway>>
let origin: string
const folder = mkdtempSync(join(tmpdir(), 'touchstone-console-'))
const pages = join(folder, 'dist')
const page =
  '<!doctype html><meta name="touchstone" content="{}" /><script src="/console/assets/a-1.js"></script>'

function build(name: string) {
  mkdirSync(join(pages, 'assets'), { recursive: true })
  writeFileSync(join(pages, 'assets', name), 'export const a = 1 // <script>\n'.repeat(100))
  writeFileSync(join(pages, 'index.html'), page)
}

before(async () => {
  writeFileSync(join(folder, 'secret.js'), 'outside')
  it = await testGateway({
    console: {
      folder: pages,
      signIn: {
        mode: 'ISSUER',
        issuer: 'https://id.example/realm',
        clientId: 'a"<b',
        scopes: 'openid',
      },
    },
  })
  origin = new URL(it.url).origin
})
after(async () => {
  await it.gateway.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Sends a path as it is; fetch would resolve it. */
function get(
  path: string,
  headers = {},
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    request(`${origin}`, { path, headers }, (res) => {
      let body = ''
      res.on('data', (chunk) => {
        body += chunk
      })
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body, headers: res.headers }))
    })
      .on('error', reject)
      .end()
  })
}

test('says that the console is being built until it is, and serves it without a restart', async () => {
  const before = await get('/console')
  assert.equal(before.status, 503)
  assert.match(before.body, /is being built/)
  build('a-1.js')
  const { status, body, headers } = await get('/console')
  assert.equal(status, 200)
  assert.equal(headers['cache-control'], 'no-cache')
  assert.match(body, /content="\{&quot;mode&quot;:&quot;ISSUER&quot;.*a\\&quot;&lt;b.*"/)
  assert.equal((await get('/console', { 'if-none-match': headers.etag })).status, 304)
})

test('its content policy allows files of the server alone, and requests to the issuer', async () => {
  const policy = String((await get('/console')).headers['content-security-policy'])
  assert.match(policy, /script-src 'self';/)
  assert.match(policy, /style-src 'self';/)
  assert.match(policy, /connect-src 'self' https:\/\/id\.example;/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /unsafe|\*|data:/)
})

test('files whose name holds a hash are cached for good, compressed, and 404 once they are gone', async () => {
  const file = await get('/console/assets/a-1.js', { 'accept-encoding': 'gzip' })
  assert.equal(file.headers['cache-control'], 'public, max-age=31536000, immutable')
  assert.equal(file.headers['content-encoding'], 'gzip')
  assert.equal(file.headers['content-type'], 'text/javascript; charset=utf-8')
  assert.equal((await get('/console/assets/a-0.js')).status, 404)
})

test('every other path is the page, whose routes are in the browser', async () => {
  for (const path of [
    '/console/',
    '/console/queue?kinds=CONFLICT',
    '/console/decide/1',
    '/console/signed-in?code=1',
  ])
    assert.match((await get(path)).body, /<meta name="touchstone"/, path)
  // A link of another site, and the way back from the issuer.
  const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  assert.equal((await get('/console/signed-in?code=1&state=2', foreign)).status, 200)
})

test('no path reaches a file outside of the folder', async () => {
  for (const path of [
    '/console/../secret.js',
    '/console/%2e%2e/secret.js',
    '/console/assets/../../secret.js',
    '/console/assets/..%2f..%2fsecret.js',
    '/console//etc/passwd',
  ])
    assert.doesNotMatch((await get(path)).body, /outside|root:/, path)
})

test('only GET and HEAD', async () => {
  const posted = await fetch(`${origin}/console`, { method: 'POST', body: '' })
  assert.equal(posted.status, 405)
  const head = await fetch(`${origin}/console`, { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(await head.text(), '')
})
