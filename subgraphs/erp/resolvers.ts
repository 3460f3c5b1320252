import { type LedgerSum, readLedgerSums } from '../../mdm/golden/read/totals.ts'
import { operationalList } from '../operational/operationalList.ts'
import { golden, lookups, money, source } from '../operational/operationalResolvers.ts'
import { connectionResolvers } from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { moneyOf } from '../shared/money.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

export function erpResolvers({ policy }: SubgraphDeps): Resolvers {
  const postings = operationalList(policy, 'Posting')
  const { one, all, reference } = lookups(postings)
  return {
    Query: { posting: one, postings: all },
    Posting: {
      __resolveReference: reference,
      amount: money('amount'),
      customer: golden('customer', 'Customer'),
      invoice: (row: { invoice: string | null }) =>
        row.invoice ? { __typename: 'Invoice', id: row.invoice } : null,
      source,
    },
    Customer: {
      postings: postings.ofGolden('customer'),
      ledger: (
        parent: { id: string },
        args: { from?: string | null; to?: string | null },
        context: RequestContext,
      ) =>
        context.load<LedgerSum[]>(`ledger ${args.from} ${args.to}`, parent.id, [], (ids, sql) =>
          readLedgerSums(sql, ids, args.from ?? null, args.to ?? null),
        ),
    },
    Invoice: { postings: postings.ofRecord('invoice') },
    LedgerBalance: {
      balance: (s: LedgerSum) => moneyOf(s.balanceMinor, s.currency),
      debit: (s: LedgerSum) => moneyOf(s.debitMinor, s.currency),
      credit: (s: LedgerSum) => moneyOf(s.creditMinor, s.currency),
    },
    PostingConnection: connectionResolvers,
  }
}
