import {
  type DirectiveNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  parse,
  valueFromASTUntyped,
} from 'graphql'
import type { RequestInfo } from '../../subgraphs/contract.ts'
import { type Operation, selectionsIn } from './document.ts'

/**
 * The rights that a field or a type requires: every scope of one of these sets, and every role of
 * one of those.
 */
export interface Rule {
  scopes: readonly (readonly string[])[]
  /** Names of roles. */
  policies: readonly (readonly string[])[]
  /** True if the subgraph returns null instead of rejecting the operation. */
  masked: boolean
}

/** A rule that applies to an operation, with its place in the schema. */
export interface Need extends Rule {
  coordinate: string
}

type Holder = Pick<RequestInfo, 'scopes' | 'roles'>

/** The parts of an operation that its caller may not have. */
export interface Judgement {
  /** Rules that reject the operation. */
  refused: readonly Need[]
  /** Fields that are returned as null. */
  masked: readonly Need[]
}

/** Allows introspection, and error messages that suggest names of the schema. */
export const SCHEMA_SCOPE = 'schema:read'
const nothing: Judgement = { refused: [], masked: [] }
/** The rule of a root field that states none itself. */
export const everything: Rule = { scopes: [['*']], policies: [], masked: false }
const introspection: Rule = { scopes: [[SCHEMA_SCOPE]], policies: [], masked: false }

/**
 * The rights of a graph, as its supergraph states them. They are the directives @requiresScopes,
 * @policy (a policy is the name of a role) and @authenticated on types and fields. A root field
 * without any of them requires every scope, so a forgotten directive opens nothing. Rights are
 * checked before execution and over the document, not over the response. A rule therefore applies
 * equally by alias, fragment, interface or union.
 */
export class GraphRights {
  readonly #rules: ReadonlyMap<string, Rule>

  constructor(supergraph: string) {
    this.#rules = rulesOf(parse(supergraph, { noLocation: true }))
  }

  /** Returns every rule that applies to an operation, each once. */
  needsOf({ document: { schema }, selected: root }: Operation): Need[] {
    const needs = new Map<string, Need>()
    const note = (coordinate: string, rule: Rule | undefined) => {
      if (rule) needs.set(coordinate, { coordinate, ...rule })
    }
    const possibleTypes = (type: GraphQLNamedType): readonly GraphQLObjectType[] =>
      isAbstractType(type) ? schema.getPossibleTypes(type) : isObjectType(type) ? [type] : []
    const noteType = (type: GraphQLNamedType) => {
      note(type.name, this.#rules.get(type.name))
      for (const p of possibleTypes(type)) note(p.name, this.#rules.get(p.name))
    }

    const noteField = (
      name: string,
      result: GraphQLNamedType | undefined,
      parent: GraphQLNamedType,
    ) => {
      if (name === '__typename') return
      if (name === '__schema' || name === '__type') {
        note(name, introspection)
        return
      }
      noteType(parent)
      const rule = this.#rules.get(`${parent.name}.${name}`)
      note(`${parent.name}.${name}`, parent === root.type ? (rule ?? everything) : rule)
      for (const p of possibleTypes(parent))
        if (p !== parent) note(`${p.name}.${name}`, this.#rules.get(`${p.name}.${name}`))
      // Checks the type of the value itself, so that not even __typename or a count reveals
      // forbidden data. For an abstract type the selections decide: a union of forbidden and
      // allowed types may be read for the allowed ones.
      if (isObjectType(result)) noteType(result)
    }

    if (root.type) noteType(root.type)
    for (const [s, { type }] of selectionsIn(root)) {
      if (!type) continue
      if (s.kind === 'FIELD')
        noteField(s.name, s.definition && getNamedType(s.definition.type), type)
      else if (isObjectType(s.selected.type)) noteType(s.selected.type)
    }
    return [...needs.values()]
  }
}

/** Returns the rules of an operation that a caller does not fulfil. */
export function judge(needs: readonly Need[], holder: Holder): Judgement {
  const open = needs.filter((need) => !fulfils(holder, need))
  return open.length === 0
    ? nothing
    : { refused: open.filter((n) => !n.masked), masked: open.filter((n) => n.masked) }
}

function fulfils({ scopes, roles }: Holder, rule: Rule): boolean {
  return hasOne(rule.scopes, scopes) && hasOne(rule.policies, roles)
}

/** Returns whether a caller has every name of one of these sets, if there are any. */
function hasOne(sets: Rule['scopes'], held: Holder['roles']): boolean {
  if (sets.length === 0) return true
  for (const all of sets) if (all.every((name) => held?.has(name) ?? false)) return true
  return false
}

/** Returns the error that names the missing right. */
export function forbidden({ coordinate, scopes, policies }: Need): GraphQLError {
  const [first] = scopes
  const scope = scopes.length === 1 && first?.length === 1 ? { scope: first[0] } : {}
  return new GraphQLError(`${coordinate} needs ${ruleInWords({ scopes, policies })}`, {
    extensions: {
      code: 'FORBIDDEN',
      coordinate,
      ...scope,
      ...(scopes.length > 0 ? { scopes } : { policies }),
    },
  })
}

/** Returns a rule in words that can follow "needs". */
export function ruleInWords({ scopes, policies }: Pick<Rule, 'scopes' | 'policies'>): string {
  const words = (sets: Rule['scopes']) => sets.map((all) => all.join(' and ')).join(', or ')
  const needed = [
    scopes.length > 0 ? `the scope ${words(scopes)}` : '',
    policies.length > 0 ? `the role ${words(policies)}` : '',
  ].filter((w) => w !== '')
  return needed.join(' and ') || 'a caller who is known'
}

/** Returns the rules of a supergraph by the coordinates of types and fields. */
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
