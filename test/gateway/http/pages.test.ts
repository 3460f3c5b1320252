import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLES } from '../../../gateway/http/examples.ts'
import { testGateway } from '../gateway.ts'

let it: Awaited<ReturnType<typeof testGateway>>
let origin: string
let ready = true
let runs = 0
before(async () => {
  it = await testGateway({
    async ready() {
      runs++
      await sleep(50)
      return [{ name: 'database', ok: ready }]
    },
  })
  origin = new URL(it.url).origin
})
after(() => it.gateway.close())

test('serves GraphiQL with the examples to browsers, without resources of other hosts', async () => {
  const page = await fetch(`${origin}/`, { headers: { accept: 'text/html,*/*' } })
  assert.equal(page.url, it.url, 'the root redirects to it')
  assert.match(page.headers.get('content-type') ?? '', /text\/html/)
  const policy = page.headers.get('content-security-policy') ?? ''
  for (const part of ["default-src 'none'", "base-uri 'none'", "form-action 'none'"])
    assert.ok(policy.includes(part), part)
  assert.match(policy, /script-src( 'sha256-[\w+/=]+')+;/)
  assert.doesNotMatch(policy, /script-src[^;]*unsafe|wss?:|https?:|\*/)
  assert.equal(page.headers.get('referrer-policy'), 'same-origin')
  assert.equal(page.headers.get('cross-origin-opener-policy'), 'same-origin')
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

test('requests for readiness at the same time share one run of the checks', async () => {
  runs = 0
  const flood = Array.from({ length: 50 }, async () => {
    const res = await fetch(`${origin}/health/ready`)
    await res.body?.cancel()
  })
  await Promise.all(flood)
  assert.ok(runs < 10, `${runs} runs`)
})
