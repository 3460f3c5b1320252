import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EXAMPLES } from '../../../gateway/http/examples.ts'
import { testGateway } from '../gateway.ts'

let it: Awaited<ReturnType<typeof testGateway>>
let origin: string
let ready = true
before(async () => {
  it = await testGateway({ ready: async () => [{ name: 'database', ok: ready }] })
  origin = new URL(it.url).origin
})
after(() => it.gateway.close())

test('serves GraphiQL with the examples to browsers, without resources of other hosts', async () => {
  const page = await fetch(`${origin}/`, { headers: { accept: 'text/html,*/*' } })
  assert.equal(page.url, it.url, 'the root redirects to it')
  assert.match(page.headers.get('content-type') ?? '', /text\/html/)
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/)
  const html = await page.text()
  assert.doesNotMatch(html, /<(script|link|img)[^>]+(src|href)="?https?:/)
  for (const { title } of EXAMPLES) assert.ok(html.includes(title), title)
})

test('health is always live, and ready only while its dependencies are available', async () => {
  const get = async (path: string) => {
    const res = await fetch(origin + path)
    return [res.status, await res.json()]
  }
  assert.deepEqual(await get('/health/live'), [200, { status: 'live' }])
  assert.deepEqual(await get('/health/ready'), [
    200,
    { status: 'ready', checks: [{ name: 'database', ok: true }] },
  ])
  ready = false
  assert.equal((await get('/health/ready'))[0], 503)
  assert.equal((await get('/health/live'))[0], 200)
})
