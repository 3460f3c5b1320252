import {
  buildClientSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
} from 'graphql'
import { ask, faultOf, JSON_HEADERS, parsed } from './answers.ts'
import { type Attack, atOnce, counts, countUp, numbers } from './attack.ts'
import { shrink } from './findings.ts'
import { hostileBody, hostileOperation, Pool } from './operations.ts'
import { inParallel, NO_RESPONSE, send } from './requests.ts'
import { checkSlow, noteSlow, type SlowRequest } from './slow.ts'
import type { Source } from './tokens.ts'

const GRAPHQL = { path: '/graphql', headers: JSON_HEADERS }

/** Sends operations with hostile arguments on every root field of the graph, and other bodies. */
export async function attackGraph(at: Attack, count: number, large: number): Promise<string> {
  const { product, source, findings } = at
  const { origin } = product
  const introspection = await ask(origin, { query: getIntrospectionQuery() })
  const schema = buildClientSchema(introspection.body.data as unknown as IntrospectionQuery)
  const pool = new Pool()
  await seedPool(origin, pool)
  const codes = new Map<string, number>()
  const slow: SlowRequest[] = []
  await inParallel(numbers(count), atOnce, async (n) => {
    if (n % 5 === 4) return await sendBody(at, hostileBody(source), codes, slow)
    const operation = hostileOperation(source, schema, pool)
    const { status, body, text, ms } = await ask(origin, operation)
    if (body.data) pool.note(body.data)
    const wrong = faultOf(status, body)
    countUp(codes, body.errors?.[0]?.extensions?.code ?? 'OK')
    if (status !== NO_RESPONSE) noteSlow(slow, { ...GRAPHQL, body: JSON.stringify(operation), ms })
    const [, field = ''] = /\{ (?:\w+: )?(\w+)/.exec(operation.query) ?? []
    // A what-if of all records takes its time, on a thread of its own.
    if (wrong === null || (status === NO_RESPONSE && field === 'simulatePolicy')) return
    const tries = status === NO_RESPONSE ? 0 : undefined
    const smaller = await shrink(
      operation.variables,
      async (variables) => {
        const again = await ask(origin, { ...operation, variables: variables as never })
        return faultOf(again.status, again.body) === wrong
      },
      tries,
    )
    findings.add(`${wrong} of ${field}`, JSON.stringify({ ...operation, variables: smaller }), text)
  })
  for (let n = 0; n < large; n++) await sendBody(at, largeBody(source), codes, slow)
  await checkSlow(at, slow)
  return `${count + large} operations, ${counts(codes)}; ${rootFields(schema)} root fields`
}

function rootFields(schema: GraphQLSchema): number {
  return [schema.getQueryType(), schema.getMutationType()].flatMap((t) =>
    Object.keys(t?.getFields() ?? {}),
  ).length
}

const largeChars = 950_000

function largeBody(source: Source): string {
  const text = source.long(largeChars)
  return source.one([
    JSON.stringify({ query: 'query($a: ID!) { node(id: $a) { id } }', variables: { a: text } }),
    JSON.stringify({
      query: 'query($a: ID!) { trace(id: $a) { __typename } }',
      variables: { a: text },
    }),
    JSON.stringify({
      query: 'query($a: ID!) { explain(a: $a, b: $a) { __typename } }',
      variables: { a: text },
    }),
    JSON.stringify({
      query: 'query($a: String) { customers(filter: {name: {eq: $a}}) { totalCount } }',
      variables: { a: text },
    }),
    JSON.stringify({
      query: 'query($a: String) { customers(after: $a) { totalCount } }',
      variables: { a: text },
    }),
    JSON.stringify({
      query: 'query($a: String) { changes(after: $a) { pageInfo { endCursor } } }',
      variables: { a: text },
    }),
    JSON.stringify({ query: '{__typename}', operationName: text }),
    JSON.stringify({ query: '{__typename}', extensions: { persistedQuery: { sha256Hash: text } } }),
    JSON.stringify({ query: text }),
    `{"query":"{__typename}","variables":{${JSON.stringify(text)}:1}}`,
    `{"query":"{__typename}","variables":{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}}`,
    `{"query":"{__typename}","variables":{"a":${'9'.repeat(900_000)}}}`,
  ])
}

async function sendBody(
  { product, findings, source }: Attack,
  body: string,
  codes: Map<string, number>,
  slow: SlowRequest[],
): Promise<void> {
  const accept = source.one(['*/*', 'application/json', 'text/event-stream'])
  const { status, text, ms } = await send(product.origin, {
    path: '/graphql',
    headers: { ...JSON_HEADERS, accept },
    body,
  })
  const answer = parsed(text)
  countUp(codes, answer.errors?.[0]?.extensions?.code ?? String(status))
  noteSlow(slow, { ...GRAPHQL, body, ms })
  const wrong = faultOf(status, answer)
  if (wrong !== null) findings.add(`${wrong} of a body`, body, text)
}

/** Reads some of everything, for ids and cursors. */
async function seedPool(origin: string, pool: Pool): Promise<void> {
  const page = '{ edges { cursor node { id } } pageInfo { endCursor } }'
  for (const list of ['customers', 'contacts', 'products', 'contracts', 'invoices', 'tasks'])
    for (const way of ['first: 50', 'last: 50'])
      pool.note((await ask(origin, { query: `{ ${list}(${way}) ${page} }` })).body.data)
  const past =
    '{ changes(first: 100) { nodes { __typename ... on Change { cursor goldenId cause { recordId } } } } }'
  pool.note((await ask(origin, { query: past })).body.data)
  pool.note(
    (
      await ask(origin, {
        query: `{ inboundExceptions(first: 100) ${page} webhooks(first: 10) ${page} }`,
      })
    ).body.data,
  )
}
