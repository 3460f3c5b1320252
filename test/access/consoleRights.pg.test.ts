import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import {
  type DocumentNode,
  type FieldNode,
  getNamedType,
  isObjectType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
} from 'graphql'
import { type RootField, refusalOf, SCOPES, type Viewer } from '../../console/session/viewer.ts'
import { readAccess } from '../../gateway/identity/access.ts'
import { operationNamed, readDocument } from '../../gateway/operation/document.ts'
import { GraphRights, judge } from '../../gateway/operation/rights.ts'
import { type Installation, startInstallation } from './installation.ts'
import { literal, smallestOperation } from './smallest.ts'

/**
 * What the console says of its actions is what the graph does, for each role of config/access.yaml
 * and for a person without one. Actions and operations are read from the sources of the console.
 */
const ROLES = [...readAccess('config/access.yaml').roles, 'stranger']

interface Action {
  field: RootField
  duty: string | undefined
}

let it: Installation
/** Null: the role may not even ask who it is, and the console shows no screen. */
const viewers = new Map<string, Viewer | null>()
const tokens = new Map<string, string>()
before(async () => {
  it = await startInstallation()
  for (const role of ROLES) {
    tokens.set(role, role === 'stranger' ? await it.token() : await it.token(role))
    const viewer = readFileSync('console/session/viewer.graphql', 'utf8')
    const { data } = await post(viewer, role, { scopes: SCOPES })
    viewers.set(role, data?.viewer ?? null)
  }
})
after(() => it?.close())

/** Every use of `useRefusal`, and what each screen needs. */
function actions(): Action[] {
  const files = globSync('console/**/*.{ts,tsx}', { exclude: (name) => name.startsWith('dist') })
  const found = files.flatMap((file) => {
    const text = readFileSync(file, 'utf8')
    const uses = [...text.matchAll(/useRefusal\(\s*'([\w.]+)'(?:,\s*'(\w+)')?,?\s*\)/g)]
    const calls = text.match(/(?<!function )useRefusal\(/g)?.length ?? 0
    assert.equal(uses.length, calls, `${file}: each use of useRefusal names its field`)
    const needs = [...text.matchAll(/\bneeds: '([\w.]+)'/g)]
    return [...uses, ...needs].map(
      ([, field, duty]): Action => ({ field: field as RootField, duty }),
    )
  })
  return [...new Map(found.map((a) => [`${a.field} ${a.duty}`, a])).values()]
}

test('an action is enabled for exactly the roles that the graph lets act', async (t) => {
  const all = actions()
  assert.ok(all.length >= 10, `${all.length} actions`)
  const wrong: string[] = []
  for (const { field, duty } of all) {
    if (DUTY_BY_PROPOSAL.has(field)) continue
    for (const [role, viewer] of viewers) {
      const says = viewer === null ? 'no screen' : refusalOf(viewer, field, duty)
      const does = await refusalOfGraph(field, duty, role)
      if ((says === null) !== (does === null))
        wrong.push(`${role} ${field} ${duty ?? ''}: the console says ${says}, the graph ${does}`)
    }
  }
  t.diagnostic(`${all.length} actions x ${viewers.size} roles`)
  assert.deepEqual(wrong, [])
})

test('a mutation of the console whose steward needs a duty names it on its button', () => {
  const named = new Set(actions().flatMap((a) => (a.duty ? [a.field as string] : [])))
  const mutations = operations().flatMap(({ file, operation }) =>
    operation.operation === 'mutation' ? rootsOf(operation).map((f) => ({ file, field: f })) : [],
  )
  const missing = mutations.filter(
    ({ field }) => DUTY_OF.has(field) && !named.has(field) && !UNDONE_BY_AUTHOR.has(field),
  )
  assert.deepEqual(missing, [])
})

test('an operation that the console sends is refused to nobody for a field below its root', () => {
  const rights = new GraphRights(it.supergraph)
  const wrong: string[] = []
  const all = operations()
  for (const { file, operation, document } of all) {
    const whole = operationNamed(readDocument(it.schema, document), operation.name?.value ?? null)
    assert.ok(whole, file)
    for (const [role, viewer] of viewers) {
      if (viewer === null) continue
      const roots = rootsOf(operation)
      const shown = roots.every((f) => refusalOf(viewer, f as RootField) === null)
      const holder = { scopes: new Set(viewer.scopes), roles: new Set([role]) }
      const { refused } = judge(rights.needsOf(whole), holder)
      if (shown && refused.length > 0)
        wrong.push(`${role} ${operation.name?.value}: ${refused.map((r) => r.coordinate)}`)
    }
  }
  assert.ok(all.length > 15, `${all.length} operations`)
  assert.deepEqual(wrong, [])
})

/** Duties of the fields that need one: `mdm/stewardship` refuses with MISSING_ROLE otherwise. */
const DUTY_OF = new Set([
  'Mutation.mergeRecords',
  'Mutation.notAMatch',
  'Mutation.overrideField',
  'Mutation.liftOverride',
  'Mutation.splitRecord',
  'Mutation.attachRecord',
  'Mutation.setParent',
  'Mutation.unmergeRecord',
  'Mutation.retireRecord',
  'Mutation.restoreRecord',
])
/** The kind of the proposal decides which duty is needed, so the graph has to find it first. */
const DUTY_BY_PROPOSAL = new Set<string>(['Mutation.approveAction', 'Mutation.declineAction'])
/** Undo is offered to whoever did the action, and to nobody else. */
const UNDONE_BY_AUTHOR = new Set(['Mutation.undoAction', 'Mutation.withdrawAction'])

interface Sent {
  file: string
  operation: OperationDefinitionNode
  document: DocumentNode
}

/** The operations in the .graphql files of the console, each with the fragments that it uses. */
function operations(): Sent[] {
  return globSync('console/**/*.graphql').flatMap((file) => {
    const { definitions } = parse(readFileSync(file, 'utf8'))
    return definitions.flatMap((d): Sent[] =>
      d.kind === Kind.OPERATION_DEFINITION
        ? [
            {
              file,
              operation: d,
              document: parse(
                [d, ...definitions.filter((f) => f.kind === Kind.FRAGMENT_DEFINITION)]
                  .map((node) => print(node))
                  .join('\n'),
              ),
            },
          ]
        : [],
    )
  })
}

function rootsOf({ operation, selectionSet }: OperationDefinitionNode): string[] {
  const type = `${operation[0]?.toUpperCase()}${operation.slice(1)}`
  return selectionSet.selections
    .filter((s): s is FieldNode => s.kind === Kind.FIELD)
    .map((f) => `${type}.${f.name.value}`)
}

/** Sends the smallest operation of a field. Returns why the graph refuses it to the role, or null. */
async function refusalOfGraph(
  coordinate: string,
  duty: string | undefined,
  role: string,
): Promise<string | null> {
  const [type = '', name = ''] = coordinate.split('.')
  const root = it.schema.getType(type)
  const field = isObjectType(root) ? root.getFields()[name] : undefined
  assert.ok(field, coordinate)
  if (duty === undefined) {
    const { errors } = await post(smallestOperation(type.toLowerCase(), field), role)
    return errors?.find((e) => e.extensions.code === 'FORBIDDEN')?.message ?? null
  }
  // The duty is checked before the ids, which name nothing here.
  const args = field.args.map((a) => `${a.name}: ${argumentOf(a.name, literal(a.type))}`)
  const named = getNamedType(field.type)
  const refusals = (isUnionType(named) ? named.getTypes() : []).filter((t) => t.getFields().rule)
  const shown = refusals.map((t) => `... on ${t.name} { rule detail }`)
  const text = `mutation { result: ${name}(${args.join(', ')}) { __typename ${shown.join(' ')} } }`
  const { data, errors } = await post(text, role)
  const forbidden = errors?.find((e) => e.extensions.code === 'FORBIDDEN')
  if (forbidden) return forbidden.message
  assert.ok(data?.result, `${text}: ${JSON.stringify(errors)}`)
  return data.result.rule === 'MISSING_ROLE' ? data.result.detail : null
}

/** A key of its own for each request: the second use of one would repeat the first outcome. */
function argumentOf(name: string, value: string): string {
  return name === 'idempotencyKey' ? JSON.stringify(crypto.randomUUID()) : value
}

interface Body {
  // biome-ignore lint/suspicious/noExplicitAny: responses of any shape
  data?: Record<string, any> | null
  errors?: { message: string; extensions: { code: string } }[]
}

async function post(query: string, role: string, variables: object = {}): Promise<Body> {
  const res = await fetch(it.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens.get(role)}` },
    body: JSON.stringify({ query, variables }),
  })
  return (await res.json()) as Body
}
