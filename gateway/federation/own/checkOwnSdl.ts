import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  visit,
} from 'graphql'
import {
  fieldsOf,
  hasDirective,
  keysOf,
  kindOf,
  membersOf,
  type ShippedGraph,
  type ShippedType,
} from './shippedGraph.ts'

/** A reason why a schema cannot join the graph, with its line. */
export interface SdlProblem {
  line: number
  text: string
}

export interface OwnSdl {
  name: string
  document: DocumentNode
  /** Whether it may have mutations. */
  mutations: boolean
  /** Fields of the graph that it may take over, as `Customer.paymentTerms`. */
  overrides: readonly string[]
}

const FEDERATION = /^https:\/\/specs\.apollo\.dev\/federation\/v2\.\d+$/
const LINK = /^https:\/\/specs\.apollo\.dev\/link\/v1\.\d+$/
/** Directives with which a subgraph may mention an element that Touchstone defines too. */
const ON_SHIPPED = new Set(['key', 'external', 'shareable', 'extends'])
/** Directives that would change what others define or answer. */
const REFUSED = new Map([
  [
    'provides',
    'it would answer fields of other subgraphs; return the id, and the owner resolves the rest',
  ],
  ['interfaceObject', 'it would add fields to types that it does not name'],
  ['composeDirective', 'directives of a subgraph do not reach the graph'],
  ['context', 'pass values with @requires'],
  ['fromContext', 'pass values with @requires'],
])

/**
 * Returns why a schema cannot join the graph, besides what composition finds: it must not change
 * what Touchstone defines, nor open what Touchstone's rules close.
 */
export function checkOwnSdl(own: OwnSdl, shipped: ShippedGraph): SdlProblem[] {
  const problems: SdlProblem[] = []
  const note = (node: Located, text: string) => {
    problems.push({ line: node.loc?.startToken.line ?? 1, text })
  }
  checkLinks(own.document, note)
  checkDirectives(own.document, note)
  const roots = rootsOf(own.document)
  for (const d of own.document.definitions) {
    const kind = kindOf(d)
    if (!kind || !('name' in d) || !d.name) continue
    const root = roots.get(d.name.value)
    const type = shipped.types.get(d.name.value)
    if (root) checkRoot(own, root, d, shipped, note)
    else if (type && type.kind !== kind)
      note(d, `${d.name.value} is ${type.kind.toLowerCase()} in the graph of Touchstone`)
    else if (type) checkShipped(own, d, type, shipped, note)
    if (type && type.keys.size > 0 && !isKeyed(own.document, d.name.value))
      note(d, `${d.name.value} needs its key: @key(fields: "${[...type.keys][0]}")`)
  }
  return problems
}

type Located = { loc?: { startToken: { line: number } } | undefined }
type Note = (node: Located, text: string) => void

/** Other names for directives of federation would make the checks below look past them. */
function checkLinks(document: DocumentNode, note: Note): void {
  let federation = false
  visit(document, {
    Directive(node) {
      if (node.name.value !== 'link') return
      const url = textOf(node, 'url') ?? ''
      if (LINK.test(url)) return
      if (!FEDERATION.test(url)) {
        note(node, `@link of ${url}: only Apollo Federation 2 may be linked`)
        return
      }
      federation = true
      const imports = node.arguments?.find((a) => a.name.value === 'import')?.value
      const renamed =
        imports?.kind === Kind.LIST && imports.values.some((v) => v.kind === Kind.OBJECT)
      if (renamed || textOf(node, 'as') !== undefined)
        note(node, 'directives of federation must have their own names: remove "as"')
    },
  })
  if (!federation)
    note(
      document.definitions[0] ?? {},
      'it is no Apollo Federation 2 schema: add extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])',
    )
}

function checkDirectives(document: DocumentNode, note: Note): void {
  visit(document, {
    DirectiveDefinition: () => false,
    Directive(node) {
      const name = node.name.value
      const why = REFUSED.get(name)
      if (why !== undefined) note(node, `@${name} is not taken: ${why}`)
      if (name.startsWith('federation__') || name.startsWith('link__'))
        note(node, `@${name}: import it in @link, and write @${name.replace(/^\w+__/, '')}`)
      if (name === 'tag' && textOf(node, 'name') === 'masked')
        note(node, 'the tag "masked" is for fields of the model, whose masks Touchstone applies')
      if (name === 'override' && textOf(node, 'label') !== undefined)
        note(node, '@override takes no label here')
    },
  })
}

const OPERATIONS = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' } as const

/** Returns the root types of a schema by their names in it. */
function rootsOf(document: DocumentNode): Map<string, string> {
  const roots = new Map<string, string>()
  for (const d of document.definitions)
    if (d.kind === Kind.SCHEMA_DEFINITION || d.kind === Kind.SCHEMA_EXTENSION)
      for (const o of d.operationTypes ?? []) roots.set(o.type.name.value, OPERATIONS[o.operation])
  const named = new Set(roots.values())
  for (const name of Object.values(OPERATIONS)) if (!named.has(name)) roots.set(name, name)
  return roots
}

function checkRoot(
  own: OwnSdl,
  root: string,
  d: DefinitionNode,
  shipped: ShippedGraph,
  note: Note,
): void {
  const fields = fieldsOf(d)
  if (root === 'Subscription' && fields.length > 0)
    note(
      d,
      'subscriptions of own subgraphs are not served: clients follow the change feed, or ask again',
    )
  if (root === 'Mutation' && fields.length > 0 && !own.mutations)
    note(d, `mutations are served only with "mutations: served" at ${own.name}`)
  for (const x of directivesOf(d))
    note(x, `@${x.name.value} on ${root} would change the whole graph`)
  for (const f of fields)
    if (shipped.types.get(root)?.members.has(f.name.value))
      note(f, `${root}.${f.name.value} exists in the graph of Touchstone: choose another name`)
}

function isKeyed(document: DocumentNode, name: string): boolean {
  return document.definitions.some(
    (d) =>
      'name' in d && d.name?.value === name && keysOf(d as ObjectTypeDefinitionNode).length > 0,
  )
}

/** Checks a definition of a type that Touchstone has. */
function checkShipped(
  own: OwnSdl,
  d: DefinitionNode & { name?: { value: string } },
  type: ShippedType,
  shipped: ShippedGraph,
  note: Note,
): void {
  const name = d.name?.value ?? ''
  for (const x of directivesOf(d)) checkOnShipped(x, name, note)
  if (type.kind === 'UNION' || type.kind === 'INPUT')
    note(d, `${name} belongs to the graph of Touchstone: define a type of your own`)
  if (type.kind === 'ENUM' && !equal(new Set(membersOf(d)), type.members))
    note(d, `${name} must have the values of the graph of Touchstone, no more and no less`)
  if (type.kind !== 'OBJECT' && type.kind !== 'INTERFACE') return
  const isEntity = type.keys.size > 0
  if (isEntity)
    for (const key of keysOf(d as ObjectTypeDefinitionNode))
      if (!type.keys.has(key))
        note(d, `${name} has the key ${[...type.keys].join(', ')}, not "${key}"`)
  for (const f of fieldsOf(d)) {
    const coordinate = `${name}.${f.name.value}`
    if (!type.members.has(f.name.value)) {
      if (!isEntity) note(f, `${coordinate}: only types with a key can get further fields`)
      continue
    }
    const external = hasDirective(f, 'external')
    const override = f.directives?.find((x) => x.name.value === 'override')
    for (const x of f.directives ?? []) if (x !== override) checkOnShipped(x, coordinate, note)
    if (!isEntity || external || type.keys.has(f.name.value)) {
      if (override) note(override, `${coordinate} cannot be taken over`)
      continue
    }
    checkOverride(own, f, coordinate, override, shipped, note)
  }
}

function checkOverride(
  own: OwnSdl,
  f: FieldDefinitionNode,
  coordinate: string,
  override: DirectiveNode | undefined,
  shipped: ShippedGraph,
  note: Note,
): void {
  if (!own.overrides.includes(coordinate))
    note(
      f,
      `${coordinate} belongs to Touchstone: mark it @external to use it in @requires, or list it in "overrides" at ${own.name}`,
    )
  else if (!override) note(f, `${coordinate} is taken over with @override(from: "…")`)
  else if (shipped.rules.has(coordinate))
    note(f, `${coordinate} cannot be taken over: Touchstone decides who sees it`)
}

function checkOnShipped(x: ConstDirectiveNode | DirectiveNode, coordinate: string, note: Note) {
  if (ON_SHIPPED.has(x.name.value) || REFUSED.has(x.name.value)) return
  note(
    x,
    `@${x.name.value} on ${coordinate}: Touchstone defines it, and its rules stay as they are`,
  )
}

function directivesOf(d: DefinitionNode): readonly ConstDirectiveNode[] {
  return 'directives' in d ? ((d.directives ?? []) as readonly ConstDirectiveNode[]) : []
}

function textOf({ arguments: given = [] }: DirectiveNode, name: string): string | undefined {
  const value = given.find((a) => a.name.value === name)?.value
  return value?.kind === Kind.STRING ? value.value : undefined
}

function equal(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && a.isSubsetOf(b)
}
