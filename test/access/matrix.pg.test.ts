import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isObjectType, parse } from 'graphql'
import { readAccess } from '../../gateway/identity/access.ts'
import { operationNamed, readDocument } from '../../gateway/operation/document.ts'
import { GraphRights, judge } from '../../gateway/operation/rights.ts'
import { aboveDatabase } from '../property.ts'
import { type Installation, startInstallation } from './installation.ts'
import { smallestOperation } from './smallest.ts'

/**
 * The complete rights of each role, written by hand. The first test fails for a field that is
 * missing here, so each field states its roles here and its rule in SDL. `admin` may do everything;
 * `stranger` has a token and no role.
 */
const ROLES = [
  'reader',
  'agent',
  'steward',
  'approver',
  'publisher',
  'integrator',
  'monitor',
  'admin',
  'stranger',
] as const
type Role = (typeof ROLES)[number]
const READERS: Role[] = ['reader', 'agent', 'steward', 'approver', 'integrator']
const MATRIX: [Role[], string[]][] = [
  [
    READERS,
    [
      ...['customer', 'contact', 'product', 'contract'].flatMap((t) => [
        t,
        `${t}BySource`,
        `${t}s`,
      ]),
      'subscription subscriptions invoice invoices payment payments opportunity opportunities posting postings',
      'quote quotes salesOrder salesOrders entitlement entitlements ratePlan ratePlans price prices',
      'amendment amendments invoiceTax invoiceTaxes creditNote creditNotes refund refunds',
      'revenueSchedule revenueSchedules customerHealth customerHealths usageRecord usageRecords',
      'node nodes search feed changes goldenDiff',
    ].flatMap((names) => names.split(' ').map((n) => `Query.${n}`)),
  ],
  [
    ['agent', 'steward', 'approver', 'integrator'],
    of(
      'Query',
      'tasks taskCounts task stewardActions stewardAction previewAction previewBulkAction previewProposal dataQuality queueAges explain matchesFor possibleMatches possiblyRelated clusterStory labelSample stewardFigures secondOpinions',
    ),
  ],
  [
    ['steward', 'approver', 'integrator'],
    of(
      'Query',
      'inboundExceptions inboundExceptionCounts inboundException trace connections syncRuns writeIntents writeIntent writeTargets sourceSystems reconciliations reconcileDifferences reconcileSums',
    ),
  ],
  [
    ['agent', 'steward', 'approver', 'integrator', 'publisher'],
    of('Query', 'matchModels publications publicationProposals matching'),
  ],
  [['publisher'], of('Query', 'policyText')],
  [['agent', 'steward', 'approver', 'integrator'], of('Query', 'serviceLevels')],
  [[...READERS, 'publisher'], of('Query', 'viewer')],
  [['approver'], of('Query', 'auditLog auditCheck sensitiveAccess')],
  [['integrator'], of('Query', 'webhooks webhook webhookDeliveries')],
  [
    ['integrator'],
    of(
      'Mutation',
      `registerWebhook changeWebhook disableWebhook enableWebhook deleteWebhook rotateWebhookSecret testWebhook
      replayWebhook`,
    ),
  ],
  [
    ['steward'],
    of(
      'Mutation',
      `mergeRecords unmergeRecord splitRecord notAMatch overrideField liftOverride attachRecord setParent retireRecord
      restoreRecord undoAction bulkAction answerLabels`,
    ),
  ],
  [['steward', 'publisher'], of('Mutation', 'withdrawAction')],
  [['approver', 'publisher'], of('Mutation', 'approveAction declineAction')],
  [['publisher'], of('Mutation', 'simulatePolicy publishPolicy')],
  [
    ['steward', 'approver'],
    of('Mutation', 'claimTasks assignTasks releaseTasks deferTasks setTasksDue'),
  ],
  [['agent', 'steward'], of('Mutation', 'proposeAction')],
  [['agent', 'steward', 'approver'], of('Mutation', 'commentTask')],
  [
    ['steward', 'integrator'],
    of(
      'Mutation',
      'correctException retryExceptions discardExceptions pauseSync resumeSync rescan runSync takeCensus approveWrites holdWrites releaseWrites',
    ),
  ],
  [
    READERS,
    of('Subscription', 'changes customerChanged contactChanged productChanged contractChanged'),
  ],
  [['agent', 'steward', 'approver', 'integrator'], of('Subscription', 'taskChanged')],
]
/**
 * Rules below the root, with the roles that have the scope. Other roles are rejected or get null,
 * as stated.
 */
const BELOW: [Role[], string, 'refused' | 'null'][] = [
  [['steward', 'approver', 'integrator'], 'SourceRecord.raw', 'refused'],
  ...['Customer', 'Contact', 'Product', 'Contract'].map((t): (typeof BELOW)[number] => [
    ['steward', 'approver', 'integrator'],
    `${t}.writeIntents`,
    'refused',
  ]),
  ...[
    'Customer.emails',
    'Customer.phones',
    'Contact.name',
    'Contact.givenName',
    'Contact.surname',
  ].map(pii),
  ...['Contact.emails', 'Contact.phones', 'Contact.address'].map(pii),
]
/**
 * Every path with its statuses: without a token, for roles with access, and for other roles where
 * access is limited.
 */
const ENDPOINTS: [string, string, number, number, (readonly Role[])?, number?][] = [
  ['GET', '/', 302, 302],
  ['GET', '/graphql', 401, 400],
  ['POST', '/graphql', 401, 415],
  ['PUT', '/graphql', 405, 405],
  ['POST', '/mcp', 401, 415],
  ['GET', '/mcp', 405, 405],
  ['GET', '/metrics', 401, 200, ['monitor'], 403],
  ['POST', '/metrics', 405, 405],
  ['GET', '/health/live', 200, 200],
  ['GET', '/health/ready', 200, 200],
  // Deliveries are authenticated by their signature only.
  ['POST', '/ingest/nothing', 404, 404],
  ['GET', '/ingest/nothing', 405, 405],
  ['GET', '/nothing', 404, 404],
]

function of(type: string, names: string): string[] {
  return names.split(/\s+/).map((n) => `${type}.${n}`)
}

function pii(coordinate: string): [Role[], string, 'null'] {
  return [['steward', 'approver'], coordinate, 'null']
}

let it: Installation
const tokens = new Map<Role, string>()
before(async () => {
  it = await startInstallation()
  for (const role of ROLES)
    tokens.set(role, role === 'stranger' ? await it.token() : await it.token(role))
})
after(() => it?.close())

const headers = (role: Role | null): Record<string, string> =>
  role ? { authorization: `Bearer ${tokens.get(role)}` } : {}

test('the matrix has every root field and every rule of the graph, and nothing else', () => {
  const roots = ['Query', 'Mutation', 'Subscription'].flatMap((name) => {
    const type = it.schema.getType(name)
    return isObjectType(type) ? Object.keys(type.getFields()).map((f) => `${name}.${f}`) : []
  })
  assert.deepEqual(MATRIX.flatMap(([, c]) => c).sort(), roots.sort())
  const ruled = parse(it.supergraph).definitions.flatMap((d) =>
    'fields' in d &&
    d.kind === 'ObjectTypeDefinition' &&
    !['Query', 'Mutation', 'Subscription'].includes(d.name.value)
      ? (d.fields ?? []).flatMap((f) =>
          f.directives?.some((x) => x.name.value === 'requiresScopes')
            ? [`${d.name.value}.${f.name.value}`]
            : [],
        )
      : [],
  )
  assert.deepEqual(BELOW.map(([, c]) => c).sort(), ruled.sort())
  assert.deepEqual(
    [...readAccess('config/access.yaml').roles, 'stranger'].sort(),
    [...ROLES].sort(),
  )
})

test('each root field accepts exactly the roles of the matrix', {
  skip: aboveDatabase,
}, async () => {
  const wrong: string[] = []
  for (const [allowed, coordinates] of MATRIX)
    for (const coordinate of coordinates)
      for (const role of [null, ...ROLES]) {
        const expected =
          role === null ? 'UNAUTHENTICATED' : may(allowed, role) ? 'yes' : 'FORBIDDEN'
        const got = await outcome(coordinate, role)
        if (got !== expected)
          wrong.push(`${role ?? 'nobody'} ${coordinate}: ${got}, not ${expected}`)
      }
  assert.deepEqual(wrong, [])
})

test('each field with its own rule accepts exactly the roles of the matrix', async () => {
  const wrong: string[] = []
  for (const [allowed, coordinate, otherwise] of BELOW)
    for (const role of ROLES.filter((r) => may(READERS, r))) {
      const [type = '', field = ''] = coordinate.split('.')
      const parts = new Map([
        ['address', 'address { city }'],
        ['writeIntents', 'writeIntents { totalCount }'],
      ])
      const selection = parts.get(field) ?? field
      const text =
        type === 'SourceRecord'
          ? '{ customers { nodes { sourceRecords { nodes { raw } } } } }'
          : `{ ${type.toLowerCase()}s { nodes { ${selection} } } }`
      const res = await post(text, role)
      const code = res.errors?.[0]?.extensions.code
      const got =
        code ?? (res.extensions?.masked?.[0]?.coordinate === coordinate ? 'null' : 'shown')
      const values = Object.values(res.data ?? {}).flatMap((c) =>
        c.nodes.map((n: Record<string, unknown>) => n[field]),
      )
      const expected = may(allowed, role) ? 'shown' : otherwise === 'null' ? 'null' : 'FORBIDDEN'
      if (got !== expected) wrong.push(`${role} ${coordinate}: ${got}, not ${expected}`)
      if (expected === 'null' && !values.every((v) => v === null))
        wrong.push(`${role} sees ${coordinate}`)
    }
  assert.deepEqual(wrong, [])
})

test('registering or changing a webhook needs the scope to read the feed as well', () => {
  const rights = new GraphRights(it.supergraph)
  const judged = (name: string, scopes: string[]) => {
    const type = it.schema.getType('Mutation')
    const field = isObjectType(type) ? type.getFields()[name] : undefined
    assert.ok(field, name)
    const operation = operationNamed(
      readDocument(it.schema, parse(smallestOperation('mutation', field))),
      null,
    )
    assert.ok(operation)
    const holder = { scopes: new Set(scopes), roles: new Set<string>() }
    return judge(rights.needsOf(operation), holder).refused.map((need) => need.coordinate)
  }
  for (const name of ['registerWebhook', 'changeWebhook']) {
    assert.deepEqual(judged(name, ['webhooks:manage']), [`Mutation.${name}`])
    assert.deepEqual(judged(name, ['webhooks:manage', 'feed:read']), [])
  }
  assert.deepEqual(judged('disableWebhook', ['webhooks:manage']), [])
})

test('introspection needs its scope', async () => {
  for (const role of ROLES) {
    for (const text of [
      '{ __schema { queryType { name } } }',
      '{ a: __type(name: "Query") { name } }',
    ]) {
      const { errors } = await post(text, role)
      assert.equal(
        errors?.[0]?.extensions.code,
        may(['integrator'], role) ? undefined : 'FORBIDDEN',
        `${role} ${text}`,
      )
    }
  }
})

test('each endpoint returns its expected status for each role', async () => {
  const wrong: string[] = []
  for (const [method, path, nobody, allowed, roles = ROLES, others = allowed] of ENDPOINTS)
    for (const role of [null, ...ROLES]) {
      const res = await fetch(new URL(path, it.url), {
        method,
        headers: headers(role),
        redirect: 'manual',
      })
      const expected = role === null ? nobody : may(roles, role) ? allowed : others
      if (res.status !== expected)
        wrong.push(`${role} ${method} ${path}: ${res.status}, not ${expected}`)
      await res.arrayBuffer()
    }
  assert.deepEqual(wrong, [])
})

function may(allowed: readonly Role[], role: Role): boolean {
  return role === 'admin' || allowed.includes(role)
}

interface Body {
  // biome-ignore lint/suspicious/noExplicitAny: responses of any shape
  data?: Record<string, any>
  errors?: { message: string; extensions: { code: string } }[]
  extensions?: { masked?: { coordinate: string }[] }
}

async function post(query: string, role: Role | null): Promise<Body> {
  const res = await fetch(it.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers(role) },
    body: JSON.stringify({ query }),
  })
  return (await res.json()) as Body
}

async function outcome(coordinate: string, role: Role | null): Promise<string> {
  const [type = '', name = ''] = coordinate.split('.')
  const root = it.schema.getType(type)
  const field = isObjectType(root) ? root.getFields()[name] : undefined
  assert.ok(field, coordinate)
  const text = smallestOperation(type.toLowerCase(), field)
  if (type !== 'Subscription') return judged(await post(text, role))
  const abort = new AbortController()
  const res = await fetch(it.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers(role) },
    body: JSON.stringify({ query: text }),
    signal: abort.signal,
  })
  if (res.status === 200 && res.headers.get('content-type')?.startsWith('text/event-stream')) {
    abort.abort()
    return 'yes'
  }
  return judged((await res.json()) as Body)
}

/** A resolver error about meaningless values still counts as access. */
function judged({ errors }: Body): string {
  const code = errors?.[0]?.extensions.code
  if (code === 'FORBIDDEN' || code === 'UNAUTHENTICATED') return code
  assert.notEqual(code, 'GRAPHQL_VALIDATION_FAILED', errors?.[0]?.message)
  return 'yes'
}
