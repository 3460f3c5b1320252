import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { requiresScopes } from '../shared/rights.ts'

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
${types.map(stub).join('')}
extend type Subscription {
${types.map(changed).join('\n')}
}
`
}

/** customerChanged for Customer. */
export function changedName(type: string): string {
  return `${type.charAt(0).toLowerCase()}${type.slice(1)}Changed`
}

function changed({ name }: TypePolicy): string {
  return `
  "The same as \`changes\`, of golden type ${name} only."
  ${changedName(name)}(
    "Only this golden record, followed to what it resolves to."
    id: ID
    "Go on after this cursor. Left out: from now, or with a snapshot."
    after: String
    "What happened; all when left out."
    ops: [ChangeOp!]
    "Source systems that caused the event; all when left out."
    systems: [String!]
    "At least one of these fields changed; any when left out."
    changedFields: [String!]
    "All of these hold, of the values before or of those after."
    where: [ChangeValueFilter!]
    "Begin with the golden records as they are now. Ignored beside \`after\`."
    snapshot: Boolean = false
  ): ChangeItem! ${requiresScopes('feed:read')}`
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
