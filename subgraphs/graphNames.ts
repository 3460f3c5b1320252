import {
  type DefinitionNode,
  type EnumTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  Source,
} from 'graphql'
import { goldenFields } from '../mdm/golden/read/listField.ts'
import { fail, type Located } from '../schema/directives.ts'
import type { Policy } from '../schema/policy.ts'
import { parsePolicy } from '../schema/readPolicy.ts'
import { schemasOf, TYPES_WITH_SUBGRAPH } from './all.ts'
import {
  allFields,
  changedName,
  groupsOf,
  listName,
  lookupName,
  references,
  typeEnumName,
} from './golden/model.ts'
import { enumName } from './shared/listSdl.ts'

/**
 * A name of the graph. `scope` is the type that has the member; TYPE for the names of types,
 * SUBGRAPH for those of subgraphs.
 */
interface GraphName {
  scope: string
  name: string
  /** The owner of the name, for messages. */
  of: string
  /** The element of the policy. */
  at: Located | undefined
}

const TYPE = ' type'
const SUBGRAPH = ' subgraph'
const BUILT_IN = ['ID', 'String', 'Int', 'Float', 'Boolean']
/** Tasks about a policy have this name where others have a golden type. */
const OF_TASKS = ['Policy']
/** Its members are those of every golden type. */
const TEMPLATE = 'Product'

/**
 * Throws PolicyError, with the place in the policy, for a name that the graph cannot have: one of
 * Touchstone, or one that two elements of the policy would both give to something in the graph.
 */
export function checkGraphNames(policy: Policy): void {
  vocabulary ??= readVocabulary()
  const taken = new Map(vocabulary.taken)
  for (const n of namesOf(policy, vocabulary)) {
    const other = taken.get(keyOf(n))
    if (other !== undefined)
      fail(n.at, `${n.of}: ${inWords(n)} exists already: it is ${other}; choose another name`)
    taken.set(keyOf(n), n.of)
  }
  for (const [name, node] of typeNodes(policy)) {
    if (name.startsWith('_') || name.includes('__'))
      fail(
        node,
        `type ${name}: names of types with _ at the beginning or __ inside are those of federation; choose another name`,
      )
  }
  checkMoney(policy)
}

/** Every subgraph shares this group, and reads it. */
function checkMoney(policy: Policy): void {
  const money = policy.groups.get('Money')
  if (!money) return
  const is = money.fields.map(
    (f) => `${f.name}: ${f.list ? '[]' : ''}${f.kind}${f.required ? '!' : ''}`,
  )
  if (is.toSorted().join(' ') !== 'currency: STRING! minorUnits: MINOR_UNITS!')
    fail(
      typeNodes(policy).get('Money'),
      'type Money is the one of the graph: { minorUnits: MinorUnits! currency: String! }; choose another name for another group',
    )
}

/** Names of subgraphs are unique in small letters. */
function keyOf({ scope, name }: Pick<GraphName, 'scope' | 'name'>): string {
  return `${scope} ${name}`
}

function inWords({ scope, name }: GraphName): string {
  if (scope === TYPE) return `type ${name}`
  return scope === SUBGRAPH ? `subgraph ${name}` : `${scope}.${name}`
}

/** Returns the names that a policy gives to the graph. */
function namesOf(policy: Policy, { ofGolden }: Vocabulary): GraphName[] {
  const nodes = typeNodes(policy)
  const names: GraphName[] = []
  // In the order of the model, so that the later one of two is the mistake.
  const order = [...nodes.keys()]
  const types = policy.types.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
  for (const t of types) {
    const node = nodes.get(t.name)
    const of = `golden type ${t.name}`
    const add = (scope: string, name: string, at: Located | undefined = node, by = of) =>
      names.push({ scope, name, of: by, at })
    for (const end of ['', 'Connection', 'Edge', 'Filter', 'Order', 'OrderField'])
      add(TYPE, `${t.name}${end}`)
    const lookup = lookupName(t.name)
    for (const name of [lookup, `${lookup}BySource`, listName(t.name)]) add('Query', name)
    add('Subscription', changedName(t.name))
    add('GoldenType', typeEnumName(t.name))
    if (!TYPES_WITH_SUBGRAPH.has(t.name)) add(SUBGRAPH, t.name.toLowerCase())
    for (const [end, members] of ofGolden)
      for (const member of members)
        add(
          `${t.name}${end}`,
          member,
          node,
          `a part of every ${end === '' ? 'golden type' : 'list'}`,
        )
    const parts = node?.kind === Kind.OBJECT_TYPE_DEFINITION ? node.fields : undefined
    const fieldNode = (name: string) => parts?.find((f) => f.name.value === name) ?? node
    for (const f of t.fields) add(t.name, f.name, fieldNode(f.name), `${t.name}.${f.name}`)
    const own = new Set(t.fields.map((f) => f.name))
    for (const f of goldenFields(policy, t)) {
      if (!own.has(f.name)) continue
      const by = `${t.name}.${f.name}`
      add(`${t.name}Filter`, f.name, fieldNode(f.name), by)
      if (f.sort) add(`${t.name}OrderField`, enumName(f.name), fieldNode(f.name), by)
    }
  }
  for (const r of references(policy)) {
    const node = nodes.get(r.from)
    const parts = node?.kind === Kind.OBJECT_TYPE_DEFINITION ? node.fields : undefined
    names.push({
      scope: r.to,
      name: r.reverse,
      of: `the list of ${r.from}.${r.field}`,
      at: parts?.find((f) => f.name.value === r.field) ?? node,
    })
  }
  const used = new Set([
    ...groupsOf(policy, policy.types),
    ...allFields(policy, policy.types).flatMap((f) => (f.kind === 'ENUM' ? [f.typeName] : [])),
  ])
  for (const name of used)
    for (const end of ['', 'Filter'])
      names.push({ scope: TYPE, name: `${name}${end}`, of: `type ${name}`, at: nodes.get(name) })
  return names
}

function typeNodes(policy: Policy): Map<string, ObjectTypeDefinitionNode | EnumTypeDefinitionNode> {
  return new Map(
    policy.document.definitions.flatMap((d) =>
      d.kind === Kind.OBJECT_TYPE_DEFINITION || d.kind === Kind.ENUM_TYPE_DEFINITION
        ? [[d.name.value, d] as const]
        : [],
    ),
  )
}

/** The names that Touchstone gives to its graph whatever the policy. */
interface Vocabulary {
  taken: ReadonlyMap<string, string>
  /**
   * The members that every golden type, its filter and its sort order have, by the end of the name.
   */
  ofGolden: ReadonlyMap<string, ReadonlySet<string>>
}

let vocabulary: Vocabulary | undefined

/** Reads the names from the graph of golden types without fields. */
function readVocabulary(): Vocabulary {
  const policy = parsePolicy([
    new Source(
      [...TYPES_WITH_SUBGRAPH].map((name) => `type ${name} @golden { id: ID! }`).join('\n'),
      'names.graphql',
    ),
  ])
  const subgraphs = schemasOf(policy)
  const members = new Map<string, Set<string>>()
  for (const { sdl } of subgraphs)
    for (const d of parse(sdl, { noLocation: true }).definitions) {
      if (!('name' in d) || !d.name || d.kind === Kind.DIRECTIVE_DEFINITION) continue
      const known = members.get(d.name.value) ?? new Set<string>()
      members.set(d.name.value, known)
      for (const member of membersOf(d)) known.add(member)
    }
  const ofGolden = new Map(
    ['', 'Filter', 'OrderField'].map((end) => [
      end,
      members.get(`${TEMPLATE}${end}`) ?? new Set<string>(),
    ]),
  )
  const taken = new Map<string, string>()
  const take = (scope: string, name: string) =>
    taken.set(keyOf({ scope, name }), "one of Touchstone's own")
  for (const name of [...BUILT_IN, ...OF_TASKS, ...members.keys()]) take(TYPE, name)
  for (const { name } of subgraphs) take(SUBGRAPH, name)
  for (const [scope, names] of members) for (const name of names) take(scope, name)
  // A name that the policy itself has given is free.
  for (const n of namesOf(policy, { taken, ofGolden: new Map() })) taken.delete(keyOf(n))
  // A type of its own that has fields of every golden type too keeps the others only.
  for (const name of TYPES_WITH_SUBGRAPH)
    for (const [end, shared] of ofGolden)
      for (const member of shared) taken.delete(keyOf({ scope: `${name}${end}`, name: member }))
  return { taken, ofGolden }
}

function membersOf(d: DefinitionNode): string[] {
  const members = 'fields' in d ? d.fields : 'values' in d ? d.values : undefined
  return (members ?? []).map((m) => m.name.value)
}
