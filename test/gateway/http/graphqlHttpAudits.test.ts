import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverAudits } from 'graphql-http'
import { testGateway } from '../gateway.ts'

test('passes every audit of GraphQL over HTTP, without an error or a warning', async (t) => {
  const it = await testGateway()
  t.after(() => it.gateway.close(500))
  const audits = serverAudits({ url: it.url, fetchFn: fetch })
  assert.ok(audits.length > 50, `${audits.length} audits`)
  const failed: string[] = []
  for (const audit of audits) {
    const result = await audit.fn()
    // A notice concerns only what a server MAY do.
    if (result.status === 'error' || result.status === 'warn')
      failed.push(`${result.status} ${audit.name}: ${result.reason}`)
  }
  assert.deepEqual(failed, [])
})
