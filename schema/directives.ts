import {
  type DirectiveNode,
  Kind,
  print,
  type Source,
  type TypeNode,
  type ValueNode,
} from 'graphql'

/** Thrown for a mistake in the model; the message has file, line and what is allowed. */
export class PolicyError extends Error {
  override name = 'PolicyError'
}

/** Kinds of value that an argument takes. The values of an ENUM are checked where it is read. */
type ArgumentKind = 'STRING' | 'STRINGS' | 'ENUM' | 'WHEN' | 'BOOLEAN' | 'NUMBER'
/** `part`: a field of a group. Survivorship, matching and rights take the group as a whole. */
type Place = 'golden' | 'group' | 'field' | 'part'

/**
 * The arguments of each directive; model/directives.graphql is the same grammar for people and
 * editors.
 */
const DIRECTIVES = new Map<
  string,
  { on: Place[]; args: Map<string, ArgumentKind>; required: string[]; repeatable?: boolean }
>([
  [
    'key',
    {
      on: ['golden'],
      args: args({ fields: 'STRING', resolvable: 'BOOLEAN' }),
      required: ['fields'],
    },
  ],
  [
    'golden',
    {
      on: ['golden'],
      args: args({ uniqueIn: 'STRINGS', falseMergeCost: 'NUMBER' }),
      required: [],
    },
  ],
  [
    'rows',
    { on: ['golden', 'field'], args: args({ by: 'ENUM', part: 'STRING' }), required: ['by'] },
  ],
  ['group', { on: ['group'], args: args({}), required: [] }],
  ['compare', { on: ['field'], args: args({ as: 'ENUM', group: 'STRING' }), required: ['as'] }],
  [
    'systemOfRecord',
    {
      on: ['field'],
      args: args({ order: 'STRINGS', when: 'WHEN' }),
      required: ['order'],
      repeatable: true,
    },
  ],
  ['survive', { on: ['field'], args: args({ by: 'ENUM' }), required: ['by'] }],
  ['format', { on: ['field', 'part'], args: args({ as: 'ENUM' }), required: ['as'] }],
  ['approval', { on: ['field'], args: args({}), required: [] }],
  [
    'sensitive',
    {
      on: ['field', 'part'],
      args: args({ scope: 'STRING', mask: 'ENUM' }),
      required: ['scope'],
    },
  ],
])

function args(of: Record<string, ArgumentKind>): Map<string, ArgumentKind> {
  return new Map(Object.entries(of))
}

/** Names of the directives of a policy. */
export const DIRECTIVE_NAMES: ReadonlySet<string> = new Set(DIRECTIVES.keys())

export function checkDirectives(nodes: readonly DirectiveNode[], on: Place): void {
  const seen = new Set<string>()
  for (const d of nodes) {
    const name = d.name.value
    const known = DIRECTIVES.get(name)
    const allowed = [...DIRECTIVES].filter(([, v]) => v.on.includes(on))
    if (!known?.on.includes(on))
      fail(
        d,
        `${known ? '' : 'unknown directive '}@${name}${known ? ' has no meaning' : ''} on a ${PLACES[on]}; allowed are ${allowed.map(([k]) => `@${k}`).join(', ')}`,
      )
    if (seen.has(name) && !known.repeatable) fail(d, `@${name} is there twice`)
    seen.add(name)
    const given = new Set<string>()
    for (const a of d.arguments ?? []) {
      const kind = known.args.get(a.name.value)
      if (!kind)
        fail(
          a,
          `@${name} has no argument "${a.name.value}"; it takes ${[...known.args.keys()].join(', ') || 'none'}`,
        )
      if (given.has(a.name.value)) fail(a, `@${name} has the argument "${a.name.value}" twice`)
      given.add(a.name.value)
      if (!isOfKind(a.value, kind))
        fail(a, `@${name}(${a.name.value}:) is ${KINDS[kind]}, not ${print(a.value).slice(0, 100)}`)
    }
    for (const r of known.required) if (!given.has(r)) fail(d, `@${name} needs the argument "${r}"`)
  }
}

const PLACES: Record<Place, string> = {
  golden: 'golden type',
  group: 'group',
  field: 'field',
  part: 'field of a group',
}

const KINDS: Record<ArgumentKind, string> = {
  STRING: 'a text in quotes',
  STRINGS: 'a list of names',
  ENUM: 'a name without quotes',
  WHEN: 'an object {field:, in:}',
  BOOLEAN: 'true or false',
  NUMBER: 'a number',
}

function isOfKind(value: ValueNode, kind: ArgumentKind): boolean {
  switch (kind) {
    case 'STRING':
      return value.kind === Kind.STRING && value.value.trim() !== ''
    case 'STRINGS':
      return value.kind === Kind.LIST ? value.values.every(isName) : isName(value)
    case 'ENUM':
      // The reader names the allowed values.
      return true
    case 'WHEN':
      return value.kind === Kind.OBJECT
    case 'BOOLEAN':
      return value.kind === Kind.BOOLEAN
    case 'NUMBER':
      return value.kind === Kind.INT || value.kind === Kind.FLOAT
  }
}

function isName(value: ValueNode): boolean {
  return (value.kind === Kind.STRING && value.value.trim() !== '') || value.kind === Kind.ENUM
}

export function oneOf<T extends string>(
  d: DirectiveNode | undefined,
  arg: string,
  allowed: readonly T[],
  where: string,
): T | undefined {
  const value = argument(d, arg)
  if (!value) return undefined
  const found = allowed.find((a) => value.kind === Kind.ENUM && a === value.value)
  return (
    found ??
    fail(
      value,
      `${where}: unknown ${arg} "${print(value)}" in @${d?.name.value}; allowed are ${allowed.join(', ')}`,
    )
  )
}

export function unwrap(type: TypeNode): { typeName: string; list: boolean; required: boolean } {
  const required = type.kind === Kind.NON_NULL_TYPE
  const inner = type.kind === Kind.NON_NULL_TYPE ? type.type : type
  if (inner.kind === Kind.NAMED_TYPE) return { typeName: inner.name.value, list: false, required }
  return { ...unwrap(inner.type), list: true, required }
}

export type Located = {
  loc?: { startToken: { line: number; column: number }; source: Source } | undefined
}

export function directive(
  node: { directives?: readonly DirectiveNode[] | undefined },
  name: string,
): DirectiveNode | undefined {
  return node.directives?.find((d) => d.name.value === name)
}

export function argument(d: DirectiveNode | undefined, name: string): ValueNode | undefined {
  return d?.arguments?.find((a) => a.name.value === name)?.value
}

export function string(value: ValueNode | undefined): string | undefined {
  return value?.kind === Kind.STRING ? value.value : undefined
}

export function strings(value: ValueNode | undefined): string[] {
  // Roles may stand without quotes; names of source systems may hold a hyphen and need them.
  if (value?.kind === Kind.STRING || value?.kind === Kind.ENUM) return [value.value]
  return value?.kind === Kind.LIST ? value.values.flatMap((v) => strings(v)) : []
}

export function number(value: ValueNode | undefined): number | undefined {
  return value?.kind === Kind.INT || value?.kind === Kind.FLOAT ? Number(value.value) : undefined
}

export function text(node: { description?: { value: string } | undefined }): string {
  return node.description?.value ?? ''
}

export function fail(node: Located | undefined, message: string): never {
  const { source, startToken } = node?.loc ?? {}
  throw new PolicyError(
    (source ? placeOf(source.name, startToken?.line, startToken?.column) : '') + message,
  )
}

/** Returns a place in a file as the beginning of a message. */
export function placeOf(file: string, line = 1, column = 1): string {
  return `${file}:${line}:${column}: `
}
