import pino from 'pino'
import { ResponseCache } from '../../gateway/cache/responseCache.ts'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../../gateway/gateway.ts'
import type { QueryBounds } from '../../gateway/limits/bounds.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { startTailer } from '../../mdm/feed/tailer.ts'
import type { Pipeline } from '../../mdm/ingest/pipeline.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import { createSubgraphs, type GraphDeps } from '../../subgraphs/all.ts'
import { cacheableGraph } from '../../subgraphs/golden/cacheable.ts'
import { directPipeline, drain, policy, send, systems } from '../fixtures/store.ts'
import { openCallers } from '../gateway/openCallers.ts'

/** One source record in canonical form; `version` counts days from 2026-01-01. */
export interface WorldRecord {
  source: string
  type: string
  id: string
  version?: number
  deleted?: boolean
  fields: Record<string, unknown>
}

export const key = (source: string, type: string, id: string) => recordKey(source, type, id)
const customer = (source: string, id: string) => key(source, 'Customer', id)
const eur = (minorUnits: number) => ({ minorUnits, currency: 'EUR' })

const nordwind = {
  name: 'Nordwind Logistik GmbH',
  taxIds: ['DE136695976'],
  domains: ['nordwind.example'],
  phones: ['+493012345678'],
}

/** Nordwind in three systems, its subsidiary, Casa Lupo in one, and their purchases. */
export const world: WorldRecord[] = [
  {
    source: 'crm',
    type: 'Customer',
    id: 'C1',
    fields: {
      ...nordwind,
      lifecycle: 'CUSTOMER',
      accountOwner: 'Ida',
      kind: 'ORGANISATION',
      emails: ['sales@nordwind.example'],
    },
  },
  {
    source: 'billing',
    type: 'Customer',
    id: 'B1',
    fields: {
      ...nordwind,
      name: 'Nordwind Logistik',
      currency: 'EUR',
      billingAddress: { street: 'Hafenstr. 1', city: 'Hamburg', postcode: '20457', country: 'DE' },
    },
  },
  {
    source: 'erp',
    type: 'Customer',
    id: 'E1',
    fields: {
      ...nordwind,
      legalName: 'Nordwind Logistik GmbH',
      paymentTerms: 'NET30',
      legalEntities: ['DE01'],
    },
  },
  {
    source: 'crm',
    type: 'Customer',
    id: 'C2',
    fields: {
      name: 'Casa Lupo S.r.l.',
      lifecycle: 'PROSPECT',
      domains: ['casalupo.example'],
      billingAddress: { city: 'Roma', country: 'IT' },
    },
  },
  {
    source: 'crm',
    type: 'Customer',
    id: 'C3',
    fields: {
      name: 'Zephyr Kühlhaus AG',
      lifecycle: 'LEAD',
      parent: customer('erp', 'E1'),
      domains: ['zephyr.example'],
    },
  },
  {
    source: 'crm',
    type: 'Contact',
    id: 'P1',
    fields: {
      name: 'Anna Weber',
      emails: ['anna@nordwind.example'],
      customer: customer('crm', 'C1'),
      jobTitle: 'CFO',
    },
  },
  {
    source: 'billing',
    type: 'Contact',
    id: 'P2',
    fields: {
      name: 'Jörg Brandt',
      emails: ['joerg@nordwind.example'],
      customer: customer('billing', 'B1'),
    },
  },
  {
    source: 'erp',
    type: 'Product',
    id: 'I1',
    fields: { name: 'Cold Store Sensor', sku: 'CSS-1', listPrice: eur(12900) },
  },
  {
    source: 'crm',
    type: 'Contract',
    id: 'K1',
    fields: {
      number: 'K-2026-1',
      customer: customer('crm', 'C1'),
      startDate: '2026-01-01',
      endDate: '2026-12-31',
      value: eur(1200000),
      status: 'ACTIVE',
      lines: [{ product: key('erp', 'Product', 'I1'), quantity: 40, unitPrice: eur(11900) }],
    },
  },
  {
    source: 'erp',
    type: 'Contract',
    id: 'K2',
    fields: {
      number: 'K-2025-9',
      customer: customer('erp', 'E1'),
      startDate: '2025-01-01',
      value: eur(300000),
      status: 'EXPIRED',
    },
  },
  {
    source: 'crm',
    type: 'Opportunity',
    id: 'O1',
    fields: {
      customer: customer('crm', 'C1'),
      name: 'Hall 4',
      stage: 'Negotiation',
      amount: 5000000,
      currency: 'EUR',
      probability: 60,
      closeDate: '2026-06-30',
      isClosed: false,
    },
  },
  {
    source: 'crm',
    type: 'Opportunity',
    id: 'O2',
    fields: {
      customer: customer('crm', 'C1'),
      name: 'Hall 3',
      stage: 'Closed Won',
      isClosed: true,
      isWon: true,
      closeDate: '2025-02-01',
    },
  },
  {
    source: 'billing',
    type: 'Subscription',
    id: 'S1',
    fields: {
      customer: customer('billing', 'B1'),
      product: key('erp', 'Product', 'I1'),
      contract: key('crm', 'Contract', 'K1'),
      status: 'active',
      quantity: 40,
      amount: 40000,
      currency: 'EUR',
      interval: 'month',
      intervalCount: 1,
      startDate: '2026-01-01',
    },
  },
  {
    source: 'billing',
    type: 'Subscription',
    id: 'S2',
    fields: {
      customer: customer('billing', 'B1'),
      status: 'canceled',
      amount: 9900,
      currency: 'EUR',
      interval: 'year',
      startDate: '2024-01-01',
      endDate: '2024-12-31',
    },
  },
  {
    source: 'billing',
    type: 'Invoice',
    id: 'N1',
    fields: {
      customer: customer('billing', 'B1'),
      contract: key('crm', 'Contract', 'K1'),
      subscription: key('billing', 'Subscription', 'S1'),
      number: 'R-1',
      status: 'open',
      issueDate: '2026-02-01',
      dueDate: '2026-03-01',
      total: 47600,
      balance: 47600,
      currency: 'EUR',
    },
  },
  {
    source: 'billing',
    type: 'Invoice',
    id: 'N2',
    fields: {
      customer: customer('billing', 'B1'),
      number: 'R-2',
      status: 'paid',
      issueDate: '2026-01-01',
      total: 47600,
      balance: 0,
      currency: 'EUR',
    },
  },
  {
    source: 'erp',
    type: 'Invoice',
    id: 'N3',
    fields: {
      customer: customer('erp', 'E1'),
      number: 'R-3',
      status: 'Open',
      issueDate: '2026-03-01',
      dueDate: '2999-01-01',
      total: 10000,
      balance: 4000,
      currency: 'USD',
    },
  },
  {
    source: 'billing',
    type: 'Payment',
    id: 'Y1',
    fields: {
      customer: customer('billing', 'B1'),
      invoice: key('billing', 'Invoice', 'N2'),
      status: 'succeeded',
      paidOn: '2026-01-20',
      amount: 47600,
      currency: 'EUR',
      method: 'sepa_debit',
    },
  },
  {
    source: 'erp',
    type: 'Posting',
    id: 'G1',
    fields: {
      customer: customer('erp', 'E1'),
      invoice: key('erp', 'Invoice', 'N3'),
      transactionType: 'invoice',
      account: '1400',
      postingDate: '2026-03-01',
      amount: 10000,
      currency: 'USD',
      legalEntity: 'DE01',
    },
  },
  {
    source: 'erp',
    type: 'Posting',
    id: 'G2',
    fields: {
      customer: customer('erp', 'E1'),
      transactionType: 'payment',
      account: '1400',
      postingDate: '2026-03-15',
      amount: -6000,
      currency: 'USD',
      legalEntity: 'DE01',
    },
  },
  {
    source: 'crm',
    type: 'Quote',
    id: 'Q1',
    fields: {
      customer: customer('crm', 'C1'),
      opportunity: key('crm', 'Opportunity', 'O1'),
      contract: key('crm', 'Contract', 'K1'),
      number: 'Q-7',
      name: 'Hall 4, first offer',
      status: 'Accepted',
      issueDate: '2026-04-01',
      validUntil: '2026-05-31',
      total: 4800000,
      currency: 'EUR',
    },
  },
  {
    source: 'crm',
    type: 'SalesOrder',
    id: 'A1',
    fields: {
      customer: customer('crm', 'C1'),
      opportunity: key('crm', 'Opportunity', 'O1'),
      quote: key('crm', 'Quote', 'Q1'),
      contract: key('crm', 'Contract', 'K1'),
      number: 'A-9',
      status: 'Activated',
      orderDate: '2026-05-04',
      total: 4800000,
      currency: 'EUR',
    },
  },
  {
    source: 'crm',
    type: 'Entitlement',
    id: 'T1',
    fields: {
      customer: customer('crm', 'C1'),
      contract: key('crm', 'Contract', 'K1'),
      subscription: key('billing', 'Subscription', 'S1'),
      product: key('erp', 'Product', 'I1'),
      name: 'Support in 4 hours',
      status: 'Active',
      quantity: 40,
      unit: 'sensor',
      startDate: '2026-01-01',
    },
  },
  {
    source: 'billing',
    type: 'RatePlan',
    id: 'L1',
    fields: {
      product: key('erp', 'Product', 'I1'),
      name: 'Standard',
      status: 'Active',
      validFrom: '2026-01-01',
    },
  },
  {
    source: 'billing',
    type: 'Price',
    id: 'H1',
    fields: {
      product: key('erp', 'Product', 'I1'),
      ratePlan: key('billing', 'RatePlan', 'L1'),
      name: 'Reading',
      priceBook: 'EMEA',
      model: 'per_unit',
      amount: 0.05,
      currency: 'EUR',
      unit: 'reading',
      interval: 'month',
      intervalCount: 1,
      active: true,
      validFrom: '2026-01-01',
    },
  },
  {
    source: 'billing',
    type: 'Amendment',
    id: 'M1',
    fields: {
      customer: customer('billing', 'B1'),
      subscription: key('billing', 'Subscription', 'S1'),
      contract: key('crm', 'Contract', 'K1'),
      number: 'M-1',
      kind: 'UpdateProduct',
      status: 'Completed',
      effectiveDate: '2026-03-01',
    },
  },
  {
    source: 'billing',
    type: 'InvoiceTax',
    id: 'X1',
    fields: {
      customer: customer('billing', 'B1'),
      invoice: key('billing', 'Invoice', 'N1'),
      name: 'VAT',
      jurisdiction: 'DE',
      rate: 19,
      taxableAmount: 40000,
      amount: 7600,
      currency: 'EUR',
    },
  },
  {
    source: 'billing',
    type: 'CreditNote',
    id: 'D1',
    fields: {
      customer: customer('billing', 'B1'),
      invoice: key('billing', 'Invoice', 'N1'),
      number: 'D-1',
      status: 'issued',
      issueDate: '2026-02-10',
      total: 4760,
      balance: 4760,
      currency: 'EUR',
      reason: 'order_change',
    },
  },
  {
    source: 'billing',
    type: 'Refund',
    id: 'F1',
    fields: {
      customer: customer('billing', 'B1'),
      payment: key('billing', 'Payment', 'Y1'),
      creditNote: key('billing', 'CreditNote', 'D1'),
      status: 'succeeded',
      refundedOn: '2026-02-11',
      amount: 4760,
      currency: 'EUR',
      method: 'sepa_debit',
    },
  },
  {
    source: 'erp',
    type: 'RevenueSchedule',
    id: 'V1',
    fields: {
      customer: customer('erp', 'E1'),
      contract: key('erp', 'Contract', 'K2'),
      invoice: key('erp', 'Invoice', 'N3'),
      product: key('erp', 'Product', 'I1'),
      periodStart: '2026-03-01',
      periodEnd: '2026-03-31',
      amount: 5000,
      currency: 'USD',
      status: 'recognised',
      account: '8400',
      legalEntity: 'DE01',
    },
  },
  {
    source: 'crm',
    type: 'CustomerHealth',
    id: 'W1',
    fields: {
      customer: customer('crm', 'C1'),
      score: 82.5,
      label: 'Green',
      measuredOn: '2026-03-02',
      stage: 'Adopted',
      manager: 'Ida',
      renewalDate: '2026-12-31',
      renewalOutlook: 'Likely',
      annualAmount: 480000,
      currency: 'EUR',
    },
  },
  {
    source: 'billing',
    type: 'UsageRecord',
    id: 'U1',
    fields: {
      customer: customer('billing', 'B1'),
      subscription: key('billing', 'Subscription', 'S1'),
      product: key('erp', 'Product', 'I1'),
      meter: 'readings',
      day: '2026-03-01',
      quantity: 0.1,
      unit: 'k',
    },
  },
]

const dayMicroseconds = 86_400_000_000
const firstDay = Date.UTC(2026, 0, 1) * 1000

/** Sends records through the pipeline and applies them. */
export async function ingestRecords(
  sql: Sql,
  records: WorldRecord[],
  pipeline: Pipeline = directPipeline(sql),
): Promise<void> {
  await send(
    sql,
    records.map(({ source, type, id, version = 1, deleted = false, fields }) => ({
      source,
      message: { type, id, version: firstDay + version * dayMicroseconds, deleted, fields },
    })),
  )
  const { exceptions } = await drain(pipeline)
  if (exceptions > 0)
    throw new Error(`${exceptions} records of the test's world could not be applied`)
}

/**
 * Starts a gateway over all subgraphs of the project. `caches` enables the response cache; `at`
 * names the subgraphs that run as services, and the origins of pages.
 */
export async function graph(
  sql: Sql,
  port = 0,
  sources: SourceSystem[] = systems,
  more: Partial<GraphDeps> = {},
  caches = false,
  bounds: Partial<QueryBounds> = {},
  {
    originsAllowed,
    ...at
  }: Partial<Pick<GatewayOptions, 'services' | 'internal' | 'callers'>> & {
    originsAllowed?: readonly string[]
  } = {},
): Promise<Gateway & { cache: ResponseCache | undefined }> {
  let cache: ResponseCache | undefined
  const tailer = await startTailer({
    sql,
    seen: (events) => {
      for (const { event } of events) cache?.changed(event)
    },
  })
  const now = () => ({ readMsAgo: tailer.readMsAgo, feed: tailer.tail, policy })
  if (caches) cache = new ResponseCache({ graph: cacheableGraph(policy), bytesMax: 1e7, now })
  const subgraphs = createSubgraphs({ sql, policy, sources, tailer, ...more })
  const gateway = await startGateway({
    host: '127.0.0.1',
    port,
    supergraph: composeSupergraph(subgraphs),
    subgraphs,
    cache,
    callers: openCallers({ origins: originsAllowed }),
    ...at,
    bounds: {
      documentBytesMax: 20_000,
      tokensMax: 5_000,
      depthMax: 15,
      aliasesMax: 50,
      fieldsMax: 500,
      costMax: 20_000,
      bodyBytesMax: 100_000,
      queryMsMax: 60_000,
      ...bounds,
    },
    log: pino({ level: 'warn' }),
  })
  return {
    ...gateway,
    cache,
    async close(graceMs) {
      await gateway.close(graceMs)
      await tailer.stop()
    },
  }
}

export interface GraphQLResponse {
  // biome-ignore lint/suspicious/noExplicitAny: tests read responses of any shape
  data: any
  errors?: {
    message: string
    path?: (string | number)[]
    extensions: { code: string; subgraph?: string }
  }[]
}

export async function query(
  gateway: Gateway,
  text: string,
  variables: object = {},
): Promise<GraphQLResponse> {
  const res = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text, variables }),
  })
  return (await res.json()) as GraphQLResponse
}

/** Returns the data of a query. Throws if the response has errors. */
export async function queryData(
  gateway: Gateway,
  text: string,
  variables: object = {},
): Promise<GraphQLResponse['data']> {
  const { data, errors } = await query(gateway, text, variables)
  if (errors) throw new Error(JSON.stringify(errors, null, 1))
  return data
}
