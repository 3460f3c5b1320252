import { operationalFields, words } from '../../mdm/golden/read/listField.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { OperationalType } from '../../schema/operational.ts'
import type { Policy } from '../../schema/policy.ts'
import { listName, lookupName } from '../golden/model.ts'
import { listSdl } from '../shared/listSdl.ts'
import { requiresScopes } from '../shared/rights.ts'
import { graphType } from './graphType.ts'

const FLAG_DESCRIPTIONS: Partial<Record<OperationalType, Record<string, string>>> = {
  Opportunity: { open: 'Whether the opportunity is not closed yet.' },
  Subscription: { active: 'Whether the subscription runs and is paid for.' },
  Invoice: {
    open: 'Whether payment is still expected.',
    overdue: 'Whether payment is still expected and was due before today.',
  },
}

const scope = 'operational:read'

/**
 * Returns the lookups and lists of operational objects as root fields, with their connection, filter
 * and order types.
 */
export function operationalSdl(policy: Policy, types: readonly OperationalType[]): string {
  const golden = new Set(policy.types.map((t) => t.name))
  const lists = types.map((type) =>
    listSdl({
      type: graphType(type),
      plural: words(listName(type)),
      fields: operationalFields(type, golden),
      flags: ownValue<Record<string, string>>(FLAG_DESCRIPTIONS, type) ?? {},
      scope,
    }),
  )
  return `${lists.join('\n')}
type Query {${types.map(rootFields).join('')}
}
`
}

function rootFields(type: OperationalType): string {
  const [one, all] = [words(lookupName(type)), words(listName(type))]
  return `
  "Returns the ${one} with this id, or null if there is none."
  ${lookupName(type)}("Source record key of the ${one}." id: ID!): ${graphType(type)}
    ${requiresScopes(scope)}
  "Returns all ${all}. The default order is the last to arrive first."
  ${listName(type)}: ${graphType(type)}Connection ${requiresScopes(scope)}`
}
