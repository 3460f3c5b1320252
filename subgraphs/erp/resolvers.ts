import { type LedgerSum, readLedgerSums } from '../../mdm/golden/read/totals.ts'
import type { OperationalType } from '../../schema/operational.ts'
import { operationalResolvers } from '../operational/operationalResolvers.ts'
import type { RequestContext } from '../shared/context.ts'
import { moneyOf } from '../shared/money.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

export const ERP_TYPES: OperationalType[] = ['Posting', 'RevenueSchedule']

export function erpResolvers({ policy }: SubgraphDeps): Resolvers {
  return operationalResolvers(policy, ERP_TYPES, {
    Customer: {
      ledger: (
        parent: { id: string },
        args: { from?: string | null; to?: string | null },
        context: RequestContext,
      ) =>
        context.load<LedgerSum[]>(`ledger ${args.from} ${args.to}`, parent.id, [], (ids, sql) =>
          readLedgerSums(sql, ids, args.from ?? null, args.to ?? null),
        ),
    },
    LedgerBalance: {
      balance: (s: LedgerSum) => moneyOf(s.balanceMinor, s.currency),
      debit: (s: LedgerSum) => moneyOf(s.debitMinor, s.currency),
      credit: (s: LedgerSum) => moneyOf(s.creditMinor, s.currency),
    },
  })
}
