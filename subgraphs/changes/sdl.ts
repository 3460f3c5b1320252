import type { Policy, TypePolicy } from '../../schema/policy.ts'

/** CUSTOMER for Customer, SALES_ORDER for SalesOrder. */
export function typeEnumName(type: string): string {
  return type.replace(/(?<=[a-z0-9])[A-Z]/g, '_$&').toUpperCase()
}

/** What the subgraph says of the golden types of a policy: their enum, and stubs by which other subgraphs add fields. */
export function goldenSdl(policy: Policy): string {
  const types = policy.types.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return `
"A golden type."
enum GoldenType {
${types.map((t) => `  ${quoted(t.description)}\n  ${typeEnumName(t.name)}`).join('\n')}
}

"A golden record of any type."
union GoldenEntity = ${types.map((t) => t.name).join(' | ')}
${types.map(stub).join('')}`
}

function stub(type: TypePolicy): string {
  return `
${quoted(type.description)}
type ${type.name} @key(fields: "id", resolvable: false) {
  "The golden id."
  id: ID!
}
`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
