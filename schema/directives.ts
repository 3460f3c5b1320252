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

/**
 * The arguments of each directive; model/directives.graphql is the same grammar for people and
 * editors.
 */
const DIRECTIVES = new Map<
  string,
  { on: 'type' | 'field' | 'both'; args: string[]; required: string[] }
>(
  Object.entries({
    key: { on: 'type', args: ['fields', 'resolvable'], required: ['fields'] },
    golden: { on: 'type', args: ['uniqueIn'], required: [] },
    rows: { on: 'both', args: ['by', 'part'], required: ['by'] },
    group: { on: 'type', args: [], required: [] },
    compare: { on: 'field', args: ['as', 'group'], required: ['as'] },
    systemOfRecord: { on: 'field', args: ['order', 'when'], required: ['order'] },
    survive: { on: 'field', args: ['by'], required: ['by'] },
    format: { on: 'field', args: ['as'], required: ['as'] },
    approval: { on: 'field', args: [], required: [] },
    sensitive: { on: 'field', args: ['scope', 'mask'], required: ['scope'] },
  }),
)

export function checkDirectives(nodes: readonly DirectiveNode[], on: 'type' | 'field'): void {
  for (const d of nodes) {
    const known = DIRECTIVES.get(d.name.value)
    const allowed = [...DIRECTIVES].filter(([, v]) => v.on === on || v.on === 'both')
    if (!known || (known.on !== on && known.on !== 'both'))
      fail(
        d,
        `unknown directive @${d.name.value} on a ${on}; allowed are ${allowed.map(([k]) => `@${k}`).join(', ')}`,
      )
    for (const a of d.arguments ?? [])
      if (!known.args.includes(a.name.value))
        fail(
          a,
          `@${d.name.value} has no argument "${a.name.value}"; it takes ${known.args.join(', ') || 'none'}`,
        )
    for (const r of known.required)
      if (!d.arguments?.some((a) => a.name.value === r))
        fail(d, `@${d.name.value} needs the argument "${r}"`)
  }
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

export type Located = { loc?: { startToken: { line: number }; source: Source } | undefined }

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

export function text(node: { description?: { value: string } | undefined }): string {
  return node.description?.value ?? ''
}

export function fail(node: Located | undefined, message: string): never {
  const at = node?.loc ? `${node.loc.source.name}:${node.loc.startToken.line}: ` : ''
  throw new PolicyError(at + message)
}
