import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPolicy } from '../../schema/readPolicy.ts'
import { sourceRecordResolvers } from '../../subgraphs/golden/sourceRecord.ts'
import { unbound } from '../../subgraphs/shared/context.ts'

test('shows issues with values of a sensitive field only to callers who may see the values', () => {
  const resolvers = sourceRecordResolvers({
    sqlOf: unbound(null as never),
    policy: readPolicy('schema/model'),
  })
  const { issues } = resolvers.SourceRecord as Record<
    string,
    (r: unknown, args: unknown, context: unknown) => unknown
  >
  const open = { field: 'currency', code: 'UNKNOWN_CODE', detail: '"EURO" is no currency' }
  const secret = {
    field: 'address.street',
    code: 'NOT_TEXT',
    detail: '{"street":"Hafenstr. 1"} is no single value',
  }
  const record = { key: 'key', type: 'Contact', issues: [open, secret] }
  const logged: unknown[] = []
  const shown = (scopes: string[]) =>
    issues?.(
      record,
      {},
      { scopes: new Set(scopes), shows: (...what: unknown[]) => logged.push(what) },
    )
  assert.deepEqual(shown([]), [open, { ...secret, detail: 'not shown without the scope pii:read' }])
  assert.deepEqual(logged, [])
  assert.deepEqual(shown(['pii:read']), [open, secret])
  assert.deepEqual(logged, [['SOURCE', 'Contact', ['address'], 'key']], 'and the access is logged')
})
