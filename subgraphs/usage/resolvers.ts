import {
  type UsageDimension,
  type UsageRange,
  usageListing,
  usageOfCustomer,
  usageOfSubscription,
  usageOrder,
} from '../../mdm/golden/read/usage.ts'
import type { OperationalType } from '../../schema/operational.ts'
import { operationalResolvers } from '../operational/operationalResolvers.ts'
import {
  type Connection,
  connectionResolvers,
  type PageArguments,
  pageRequest,
  relatedConnection,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

export const USAGE_TYPES: OperationalType[] = ['UsageRecord']

/** Days of one request: a year with its leap day, and the month before it. */
const daysMax = 400
/** Each meter is compared with every record in the range. */
const metersMax = 100
const dayMs = 86_400_000

interface UsageArguments extends PageArguments {
  from: string
  to: string
  meters?: string[] | null
  by: UsageDimension[]
}

export function usageResolvers({ policy }: SubgraphDeps): Resolvers {
  return operationalResolvers(policy, USAGE_TYPES, {
    Customer: { usage: sums(usageOfCustomer) },
    BillingSubscription: { usage: sums(usageOfSubscription) },
    UsageSum: {
      subscription: ({ subscription }: { subscription: string | null }) =>
        subscription ? { __typename: 'BillingSubscription', id: subscription } : null,
    },
    UsageSumConnection: connectionResolvers,
  })
}

function sums(relation: typeof usageOfCustomer) {
  return (parent: { id: string }, args: UsageArguments, context: RequestContext): Connection => {
    const range = rangeOf(args)
    const request = pageRequest(args, usageOrder)
    const list = { listing: usageListing, relation: relation(range), parent: parent.id }
    const name = `${relation.name} ${JSON.stringify(args)}`
    return relatedConnection(context, name, list, request)
  }
}

function rangeOf({ from, to, meters, by }: UsageArguments): UsageRange {
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1
  if (days > daysMax)
    throw inputError('BAD_FILTER', `usage covers at most ${daysMax} days, not ${days}`)
  if (meters && meters.length > metersMax)
    throw inputError('BAD_FILTER', `usage has at most ${metersMax} meters, not ${meters.length}`)
  return { from, to, meters: meters ?? null, by: new Set(by) }
}
