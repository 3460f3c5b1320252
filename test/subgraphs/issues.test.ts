import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPolicy } from '../../schema/readPolicy.ts'
import { sourceRecordResolvers } from '../../subgraphs/golden/sourceRecord.ts'
import { unbound } from '../../subgraphs/shared/context.ts'

test('shows issues of a sensitive field only to callers who may see its values', () => {
  const resolvers = sourceRecordResolvers({
    sqlOf: unbound(null as never),
    policy: readPolicy('schema/model'),
  })
  const { issues } = resolvers.SourceRecord as Record<
    string,
    (r: unknown, args: unknown, context: unknown) => unknown
  >
  const open = { field: 'jobTitle', code: 'TOO_LONG', detail: 'the text has 10001 characters' }
  const order = { field: 'version', code: 'UNKNOWN_ORDER', detail: 'message 7 may be later' }
  const secret = {
    field: 'address.street',
    code: 'NOT_TEXT',
    detail: '{"street":"Hafenstr. 1"} is no single value',
  }
  // A field that the policy had when the issue was stored; its rights are unknown.
  const former = { field: 'nickname', code: 'REQUIRED', detail: 'no usable value' }
  const record = { key: 'key', type: 'Contact', issues: [open, secret, former, order] }
  const logged: unknown[] = []
  const shown = (scopes: string[]) =>
    issues?.(
      record,
      {},
      { scopes: new Set(scopes), shows: (...what: unknown[]) => logged.push(what) },
    )
  assert.deepEqual(shown([]), [open, order])
  assert.deepEqual(logged, [])
  assert.deepEqual(shown(['pii:read']), record.issues)
  assert.deepEqual(
    logged,
    ['address', 'nickname'].map((name) => ['SOURCE', 'Contact', [name], 'key']),
    'and the access is logged',
  )
})
