import { OPERATIONAL_TYPES, type OperationalType } from '../../schema/operational.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { changedName, typeEnumName } from '../golden/model.ts'
import { requiresScopes } from '../shared/rights.ts'

/**
 * Returns the SDL that depends on the golden types: their enum, a subscription for each, and stubs
 * to which other subgraphs add fields.
 */
export function goldenSdl(policy: Policy): string {
  const types = policy.types.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const objects = feedObjects(policy)
  return `
"A golden type, or a type of operational objects, whose changes are events too."
enum GoldenType {
${types.map((t) => `  ${quoted(t.description)}\n  ${typeEnumName(t.name)}`).join('\n')}
${objects.map((t) => `  "Operational objects of type ${t}."\n  ${typeEnumName(t)}`).join('\n')}
}

"A golden record of any type."
union GoldenEntity = ${types.map((t) => t.name).join(' | ')}
${types.map(stub).join('')}
extend type Subscription {
${types.map(changed).join('\n')}
}
${types.some((t) => t.name === CUSTOMER) ? customerOfChange : ''}`
}

/** The golden type that operational objects belong to. */
export const CUSTOMER = 'Customer'

const customerOfChange = `
extend type Change {
  """
  The present golden customer of an operational object, or its survivor. Null on events of golden
  records, and while the customer is not known.
  """
  customer: ${CUSTOMER}
}
`

/** Returns the operational types that the policy does not have as golden types. */
export function feedObjects(policy: Policy): OperationalType[] {
  return OPERATIONAL_TYPES.filter((type) => !policy.types.some((t) => t.name === type))
}

function changed({ name }: TypePolicy): string {
  return `
  "Delivers the changes of golden type ${name} only, with the contract of \`changes\`."
  ${changedName(name)}(
    "Delivers only this golden record, and the record to which its id resolves later."
    id: ID
    "Resumes after this cursor. Without it the subscription begins now, or with a snapshot."
    after: String
    "Delivers only events with one of these operations; all if left out."
    ops: [ChangeOp!]
    "Delivers only events caused by one of these source systems; all if left out."
    systems: [String!]
    "Delivers only events in which at least one of these fields changed; all if left out."
    changedFields: [String!]
    "Delivers only events for which all these conditions hold, before or after the change."
    where: [ChangeValueFilter!]
    "Begins with the present golden records. Ignored if \`after\` is given."
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
