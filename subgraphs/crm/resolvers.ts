import { operationalList } from '../operational/operationalList.ts'
import { golden, lookups, money, source } from '../operational/operationalResolvers.ts'
import { connectionResolvers } from '../shared/connection.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

export function crmResolvers({ policy }: SubgraphDeps): Resolvers {
  const opportunities = operationalList(policy, 'Opportunity')
  const { one, all, reference } = lookups(opportunities)
  return {
    Query: { opportunity: one, opportunities: all },
    Opportunity: {
      __resolveReference: reference,
      amount: money('amount'),
      customer: golden('customer', 'Customer'),
      source,
    },
    OpportunityConnection: connectionResolvers,
    Customer: { opportunities: opportunities.ofGolden('customer') },
  }
}
