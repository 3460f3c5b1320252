import { operationalFields } from '../../mdm/golden/read/listField.ts'
import type { OperationalType } from '../../schema/operational.ts'
import type { Policy } from '../../schema/policy.ts'
import { listSdl } from '../shared/listSdl.ts'
import { graphType } from './graphType.ts'

const PLURALS: Record<OperationalType, string> = {
  Opportunity: 'opportunities',
  Subscription: 'subscriptions',
  Invoice: 'invoices',
  Payment: 'payments',
  Posting: 'postings',
}

const FLAG_DESCRIPTIONS: Record<OperationalType, Record<string, string>> = {
  Opportunity: { open: 'Whether the opportunity is not closed yet.' },
  Subscription: { active: 'Whether the subscription runs and is paid for.' },
  Invoice: {
    open: 'Whether payment is still expected.',
    overdue: 'Whether payment is still expected and was due before today.',
  },
  Payment: {},
  Posting: {},
}

/** Returns the connection, filter and order types of operational objects. */
export function operationalSdl(policy: Policy, types: readonly OperationalType[]): string {
  const golden = new Set(policy.types.map((t) => t.name))
  return types
    .map((type) =>
      listSdl({
        type: graphType(type),
        plural: PLURALS[type],
        fields: operationalFields(type, golden),
        flags: FLAG_DESCRIPTIONS[type],
        scope: 'operational:read',
      }),
    )
    .join('\n')
}
