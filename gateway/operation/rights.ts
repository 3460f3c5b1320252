import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql'
import type { RequestInfo } from '../../subgraphs/contract.ts'

/** What a caller needs for a field or a type: one of these, each of them whole. */
export interface Rule {
  scopes: readonly (readonly string[])[]
  /** Names of roles. */
  policies: readonly (readonly string[])[]
  /** The subgraph answers null instead. */
  masked: boolean
}

/** A rule that an operation runs into, at a place of the schema. */
export interface Need extends Rule {
  coordinate: string
}

type Holder = Pick<RequestInfo, 'scopes' | 'roles' | 'actor' | 'correlationId'>

/** What of an operation its caller may not have. */
export interface Verdict {
  refused: GraphQLError[]
  /** Fields that come as null; for the answer's extensions. */
  masked: { coordinate: string; code: 'MASKED'; scopes: readonly (readonly string[])[] }[]
}

/** Reads the schema: what there is, and what suggestions of it say. */
export const SCHEMA_SCOPE = 'schema:read'
const nothing: Verdict = { refused: [], masked: [] }
/** Of a root field that states no rule. */
export const everything: Rule = { scopes: [['*']], policies: [], masked: false }
const introspection: Rule = { scopes: [[SCHEMA_SCOPE]], policies: [], masked: false }

/**
 * The rights of a graph, as its supergraph states them: @requiresScopes, @policy (a policy is the name of a role) and
 * @authenticated on types and fields. A root field that has none of them is for callers with every scope: who adds one and
 * says nothing opens nothing. Judged before anything runs, and over the document rather than over what comes back: by
 * alias, fragment, interface or union a rule is the same.
 */
export class GraphRights {
  readonly #rules: ReadonlyMap<string, Rule>
  /** Only the document decides what is needed; documents are kept by the parser's cache. */
  readonly #needs = new WeakMap<DocumentNode, Map<OperationDefinitionNode, Need[]>>()

  /** Told of each operation that is refused. */
  readonly #onRefused: (holder: Holder, needs: readonly Need[]) => void

  constructor(supergraph: string, onRefused: (holder: Holder, needs: readonly Need[]) => void = () => {}) {
    this.#onRefused = onRefused
    this.#rules = rulesOf(parse(supergraph, { noLocation: true }))
  }

  judge(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, holder: Holder): Verdict {
    const open = this.needsOf(schema, document, operation).filter((need) => !fulfils(holder, need))
    if (open.length === 0) return nothing
    const masked = open.filter((n) => n.masked)
    const refused = open.filter((n) => !n.masked)
    if (refused.length > 0) this.#onRefused(holder, refused)
    return {
      refused: refused.map(refusal),
      masked: masked.map(({ coordinate, scopes }) => ({ coordinate, code: 'MASKED', scopes })),
    }
  }

  /** Every rule that an operation meets, each once. */
  needsOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Need[] {
    let known = this.#needs.get(document)
    if (!known) {
      known = new Map()
      this.#needs.set(document, known)
    }
    let needs = known.get(operation)
    if (!needs) {
      needs = this.#collect(schema, document, operation)
      known.set(operation, needs)
    }
    return needs
  }

  #collect(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Need[] {
    const needs = new Map<string, Need>()
    const fragments = new Map(
      document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
        d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
      ),
    )
    const spread = new Set<string>()
    const root = schema.getRootType(operation.operation)
    const note = (coordinate: string, rule: Rule | undefined) => {
      if (rule) needs.set(coordinate, { coordinate, ...rule })
    }

    /** A type and, where it is abstract, all that it may turn out to be. */
    const possible = (type: string): readonly GraphQLObjectType[] => {
      const found = schema.getType(type)
      if (isAbstractType(found)) return schema.getPossibleTypes(found)
      return isObjectType(found) ? [found] : []
    }
    const noteType = (type: string) => {
      note(type, this.#rules.get(type))
      for (const p of possible(type)) note(p.name, this.#rules.get(p.name))
    }

    const walk = (set: SelectionSetNode, parent: string): void => {
      for (const node of set.selections) {
        if (node.kind === Kind.INLINE_FRAGMENT) {
          const type = node.typeCondition?.name.value ?? parent
          if (isObjectType(schema.getType(type))) noteType(type)
          walk(node.selectionSet, type)
        } else if (node.kind === Kind.FRAGMENT_SPREAD) {
          const fragment = fragments.get(node.name.value)
          // What a fragment needs does not depend on where it is spread: it names its type.
          if (!fragment || spread.has(node.name.value)) continue
          spread.add(node.name.value)
          if (isObjectType(schema.getType(fragment.typeCondition.name.value)))
            noteType(fragment.typeCondition.name.value)
          walk(fragment.selectionSet, fragment.typeCondition.name.value)
        } else field(node.name.value, node.selectionSet, parent)
      }
    }

    const field = (name: string, below: SelectionSetNode | undefined, parent: string): void => {
      if (name === '__typename') return
      if (name === '__schema' || name === '__type') {
        note(name, introspection)
        return
      }
      noteType(parent)
      const type = schema.getType(parent)
      const rule = this.#rules.get(`${parent}.${name}`)
      if (parent === root?.name) note(`${parent}.${name}`, rule ?? everything)
      else note(`${parent}.${name}`, rule)
      for (const p of possible(parent))
        if (p.name !== parent) note(`${p.name}.${name}`, this.#rules.get(`${p.name}.${name}`))
      const declared = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name]?.type : undefined
      const result = declared && getNamedType(declared)
      if (!result) return
      // The type of the answer itself, so that not even __typename or a count of what is forbidden is told. Of an abstract
      // one what is selected decides: of a union of much and little, the little can be asked for.
      if (isObjectType(result)) noteType(result.name)
      if (below && isCompositeType(result)) walk(below, result.name)
    }

    if (root) {
      noteType(root.name)
      walk(operation.selectionSet, root.name)
    }
    return [...needs.values()]
  }
}

function fulfils({ scopes, roles }: Holder, rule: Rule): boolean {
  const one = (sets: Rule['scopes'], has: (name: string) => boolean) =>
    sets.length === 0 || sets.some((all) => all.every(has))
  return one(rule.scopes, (s) => scopes.has(s)) && one(rule.policies, (p) => roles?.has(p) ?? false)
}

function refusal({ coordinate, scopes, policies }: Need): GraphQLError {
  const [first] = scopes
  const scope = scopes.length === 1 && first?.length === 1 ? { scope: first[0] } : {}
  return new GraphQLError(`${coordinate} needs ${ruleInWords({ scopes, policies })}`, {
    extensions: { code: 'FORBIDDEN', coordinate, ...scope, ...(scopes.length > 0 ? { scopes } : { policies }) },
  })
}

/** What follows "needs". */
export function ruleInWords({ scopes, policies }: Pick<Rule, 'scopes' | 'policies'>): string {
  const words = (sets: Rule['scopes']) => sets.map((all) => all.join(' and ')).join(', or ')
  const needed = [
    scopes.length > 0 ? `the scope ${words(scopes)}` : '',
    policies.length > 0 ? `the role ${words(policies)}` : '',
  ].filter((w) => w !== '')
  return needed.join(' and ') || 'a caller who is known'
}

/** The rules that a supergraph states, by coordinate of type or field. */
export function rulesOf(supergraph: DocumentNode): Map<string, Rule> {
  const rules = new Map<string, Rule>()
  for (const d of supergraph.definitions) {
    if (
      d.kind !== Kind.OBJECT_TYPE_DEFINITION &&
      d.kind !== Kind.OBJECT_TYPE_EXTENSION &&
      d.kind !== Kind.INTERFACE_TYPE_DEFINITION &&
      d.kind !== Kind.INTERFACE_TYPE_EXTENSION
    )
      continue
    const own = ruleOf(d.directives)
    if (own) rules.set(d.name.value, own)
    for (const f of d.fields ?? []) {
      const rule = ruleOf(f.directives)
      if (rule) rules.set(`${d.name.value}.${f.name.value}`, rule)
    }
  }
  return rules
}

function ruleOf(directives: readonly DirectiveNode[] = []): Rule | null {
  const of = (name: string) => directives.filter((d) => d.name.value === name)
  const argument = (d: DirectiveNode | undefined, name: string) => {
    const value = d?.arguments?.find((a) => a.name.value === name)?.value
    return (value ? valueFromASTUntyped(value) : []) as string[][]
  }
  const [scopes] = of('requiresScopes')
  const [policies] = of('policy')
  if (!scopes && !policies && of('authenticated').length === 0) return null
  const masked = of('tag').some((t) =>
    t.arguments?.some((a) => a.value.kind === Kind.STRING && a.value.value === 'masked'),
  )
  return { scopes: argument(scopes, 'scopes'), policies: argument(policies, 'policies'), masked }
}
