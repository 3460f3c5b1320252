import {
  type ContractForBilling,
  isMissing,
  REQUIRED_FOR_BILLING,
  type RequiredField,
  readContractsForBilling,
  requiredField,
} from '../../mdm/golden/read/billingReadiness.ts'
import { type EntitlementFound, readEntitlements } from '../../mdm/golden/read/entitled.ts'
import { type Receivable, readReceivables } from '../../mdm/golden/read/receivables.ts'
import { hiddenFields } from '../../schema/hiddenFields.ts'
import type { FieldPolicy, TypePolicy } from '../../schema/policy.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import { moneyOf } from '../shared/money.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'

const requiredMax = 100
const sourcesShownMax = 100

/** Creates the resolvers of checks for front offices: pays, may use, can be billed. */
export function checkResolvers({ policy, sources = [] }: SubgraphDeps): Resolvers {
  const types = { contract: policy.type('Contract'), customer: policy.type('Customer') }

  const receivables = async (
    { id }: { id: string },
    { systems, holdAfterDays }: { systems?: string[] | null; holdAfterDays?: number | null },
    context: RequestContext,
  ) => {
    const only = systems ?? null
    const rows = await context.load<Receivable[]>(
      `receivables ${JSON.stringify(only)}`,
      id,
      [],
      (ids, sql) => readReceivables(sql, ids, only),
    )
    const oldest = rows.toSorted((a, b) => b.daysOverdue - a.daysOverdue)[0]
    const overdueInvoices = rows.reduce((n, r) => n + r.overdueInvoices, 0)
    const daysOverdue = oldest?.daysOverdue ?? 0
    const isHeld = overdueInvoices > 0 && daysOverdue > (holdAfterDays ?? 30)
    return {
      status:
        rows.length === 0 ? 'CLEAR' : overdueInvoices === 0 ? 'OPEN' : isHeld ? 'HOLD' : 'OVERDUE',
      open: rows.flatMap((r) => moneyOf(r.openMinor, r.currency) ?? []),
      overdue: rows.flatMap((r) =>
        r.overdueInvoices > 0 ? (moneyOf(r.overdueMinor, r.currency) ?? []) : [],
      ),
      overdueInvoices,
      oldestDueDate: oldest?.oldestDue ?? null,
      daysOverdue,
    }
  }

  const entitlementFor = async (
    { id }: { id: string },
    { product, on }: { product: string; on?: string | null },
    context: RequestContext,
  ) => {
    if (!isUuid(product)) throw inputError('BAD_FILTER', 'product is the id of a product')
    const found = await context.load<EntitlementFound[]>(
      `entitlementFor ${product} ${on ?? ''}`,
      id,
      [],
      (ids, sql) => readEntitlements(sql, ids, product, on ?? null),
    )
    const stated = found.flatMap((f) => f.quantity ?? [])
    return {
      entitled: found.length > 0,
      until: found[0]?.until ?? null,
      quantity: stated.length > 0 ? stated.reduce((sum, n) => sum + n, 0) : null,
      by: found.slice(0, sourcesShownMax).map(({ record, ...f }) => ({ id: record, ...f })),
    }
  }

  /** Returns the places that the paths name. Throws BAD_FILTER for one that is no field. */
  const placesOf = (paths: readonly string[]): { path: string; place: RequiredField }[] => {
    if (paths.length > requiredMax)
      throw inputError('BAD_FILTER', `required has ${paths.length} fields; at most ${requiredMax}`)
    return paths.map((path) => {
      const place = requiredField(path)
      const field = place && fieldOf(types[place.of], place)
      const parts = field && policy.groups.get(field.typeName)?.fields
      const isKnown = field && (place.part === null || parts?.some((f) => f.name === place.part))
      if (!isKnown)
        throw inputError(
          'BAD_FILTER',
          `required: "${path.slice(0, 100)}" is no field of Contract or Customer, as contract.number or customer.billingAddress.country`,
        )
      return { path, place }
    })
  }

  /** Returns the source systems that own a field, the first one first. */
  const ownersOf = (field: FieldPolicy | undefined): string[] => {
    const order = field?.systemOfRecord[0]?.order ?? []
    const named = order.flatMap((roleOrName) =>
      sources.filter((s) => s.role === roleOrName || s.name === roleOrName).map((s) => s.name),
    )
    return [...new Set(named)]
  }

  const billingReadiness = async (
    { id }: { id: string },
    { required, knownTo }: { required?: string[] | null; knownTo?: string[] | null },
    context: RequestContext,
  ) => {
    const places = placesOf(required ?? REQUIRED_FOR_BILLING)
    const row = await context.load<ContractForBilling | null>(
      'billingReadiness',
      id,
      null,
      (ids, sql) => readContractsForBilling(sql, ids),
    )
    if (!row) return null
    const hidden = {
      contract: hiddenFields(policy, types.contract, context.scopes),
      customer: hiddenFields(policy, types.customer, context.scopes),
    }
    const isHidden = ({ of, field }: RequiredField) => hidden[of].has(field)
    // Without a customer all of its fields are missing: that it has none is said once.
    const checked = places.filter(
      ({ place }) => !isHidden(place) && (place.of === 'contract' || row.customer !== null),
    )
    const fields = checked
      .filter(({ place }) => isMissing(row, place))
      .map(({ path, place }) => ({
        path,
        detail: `The ${place.of} has no ${place.part === null ? '' : `${place.part} in `}${place.field}.`,
        record: place.of === 'customer' && row.customer ? row.customer : row.contract,
        systems: ownersOf(fieldOf(types[place.of], place)),
      }))
    const unknown =
      row.customer === null &&
      !hidden.contract.has('customer') &&
      !fields.some((f) => f.path === 'contract.customer')
        ? [
            {
              path: 'contract.customer',
              detail: 'The customer of the contract has no golden record.',
              record: row.contract,
              systems: ownersOf(fieldOf(types.contract, { field: 'customer' })),
            },
          ]
        : []
    const roles = row.customer === null ? [] : (knownTo ?? [])
    const unheld = roles.flatMap((role) => {
      const systems = sources.filter((s) => s.role === role).map((s) => s.name)
      return systems.length === 0 || systems.some((name) => row.systems.includes(name))
        ? []
        : [
            {
              path: null,
              detail: `No system of the role ${role} holds the customer.`,
              record: row.customer,
              systems,
            },
          ]
    })
    const missing = [...fields, ...unknown, ...unheld]
    const notChecked = places.filter(({ place }) => isHidden(place)).map(({ path }) => path)
    return {
      ready: missing.length > 0 ? false : notChecked.length > 0 ? null : true,
      missing,
      notChecked,
    }
  }

  return { Customer: { receivables, entitlementFor }, Contract: { billingReadiness } }
}

function fieldOf(type: TypePolicy, { field }: Pick<RequiredField, 'field'>) {
  return type.fields.find((f) => f.name === field)
}
