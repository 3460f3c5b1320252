import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import { dayMs, type ObjectRules, type Store } from '../kit/store.ts'
import { article, company, person } from '../kit/world.ts'
import { written, writtenDay } from './time.ts'

type Fields = Record<string, unknown>

const countries = new Intl.DisplayNames('en', { type: 'region' })
const clerk = 'f0000000000000000000000000000001'
/** The user of the API's client. Workflows run as the clerk. */
const client = 'f0000000000000000000000000000002'

/** Returns 32 hexadecimal digits. */
export const zuoraId = (random: Random) =>
  Array.from({ length: 32 }, () => '0123456789abcdef'[random.between(0, 15)]).join('')

const cents = (minor: number) => minor / 100

export function zuoraRules(random: Random): ObjectRules[] {
  const counters = new Map<string, number>()
  const number = (prefix: string) => {
    const next = (counters.get(prefix) ?? 0) + 1
    counters.set(prefix, next)
    return `${prefix}${String(next).padStart(8, '0')}`
  }
  const newId = () => zuoraId(random)
  const write =
    (defaults: (now: number, id: string) => Fields): ObjectRules['write'] =>
    (fields, { id, now, before, by }) => {
      const user = by === 'api' ? client : clerk
      const record: Fields = {
        id,
        createdById: user,
        createdDate: written(now),
        ...(before ? {} : defaults(now, id)),
        ...before,
        ...fields,
        updatedById: user,
        updatedDate: written(now),
      }
      // A field that is cleared leaves the record.
      return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null))
    }
  const erase = (record: Fields) => record
  const rules = (
    name: string,
    weight: number,
    fields: string,
    defaults: (now: number, id: string) => Fields,
    draw: ObjectRules['draw'],
    redraw: ObjectRules['redraw'],
  ): ObjectRules => ({
    name,
    idField: 'id',
    fields: fields.split(' '),
    weight,
    newId,
    write: write(defaults),
    erase,
    draw,
    redraw,
  })
  const recordOf = (store: Store, object: string, id: unknown): Fields =>
    store.table(object).get(String(id))?.record ?? {}

  return [
    rules(
      'Product',
      2,
      'name description sku category effectiveStartDate effectiveEndDate touchstoneId__c',
      (now) => ({
        productNumber: number('PC-'),
        effectiveStartDate: writtenDay(now),
        effectiveEndDate: '2099-12-31',
        allowFeatureChanges: false,
      }),
      (draw) => {
        const { name, sku, description } = article(draw)
        return { name, sku: `${sku}-${draw.between(100, 999)}`, description }
      },
      (draw) => ({ description: article(draw).description }),
    ),
    rules(
      'ProductRatePlan',
      1,
      'productId name description effectiveStartDate effectiveEndDate',
      (now) => ({
        productRatePlanNumber: number('PRP-'),
        effectiveStartDate: writtenDay(now),
        effectiveEndDate: '2099-12-31',
      }),
      (draw, store) => {
        const productId = store.pick(draw, 'Product')
        if (productId === undefined) return undefined
        return { productId, name: draw.pick(['Monthly plan', 'Yearly plan', 'One time']) }
      },
      (draw) => ({ description: `Revision ${draw.between(1, 9)}` }),
    ),
    rules(
      'ProductRatePlanCharge',
      1,
      'productRatePlanId name description chargeModel chargeType billingPeriod uom',
      () => ({ productRatePlanChargeNumber: number('PRPC-') }),
      (draw, store) => {
        const productRatePlanId = store.pick(draw, 'ProductRatePlan')
        if (productRatePlanId === undefined) return undefined
        const recurring = draw.chance(0.7)
        return {
          productRatePlanId,
          name: recurring ? 'Subscription fee' : 'Set-up fee',
          chargeModel: 'FlatFee',
          chargeType: recurring ? 'Recurring' : 'OneTime',
          ...(recurring ? { billingPeriod: draw.pick(['Month', 'Annual']) } : {}),
        }
      },
      (draw) => ({ description: `Revision ${draw.between(1, 9)}` }),
    ),
    rules(
      'ProductRatePlanChargeTier',
      1,
      'productRatePlanChargeId price currency tier startingUnit priceFormat',
      () => ({ tier: 1, startingUnit: 0, priceFormat: 'FlatFee' }),
      (draw, store) => {
        const charge = store.pick(draw, 'ProductRatePlanCharge')
        if (charge === undefined) return undefined
        const price = cents(article(draw).priceMinor)
        return {
          productRatePlanChargeId: charge,
          price,
          currency: draw.pick(['EUR', 'USD', 'GBP']),
        }
      },
      (draw) => ({ price: cents(article(draw).priceMinor) }),
    ),
    rules(
      'Account',
      8,
      'name currency crmId parentId status paymentTerm batch billToId soldToId notes accountNumber billCycleDay autoPay touchstoneId__c',
      () => ({
        accountNumber: number('A'),
        allowInvoiceEdit: false,
        autoPay: false,
        balance: 0,
        batch: 'Batch1',
        billCycleDay: 1,
        creditBalance: 0,
        partnerAccount: false,
        paymentTerm: 'Net 30',
        status: 'Active',
        taxExemptStatus: 'No',
      }),
      (draw, store) => {
        const { name, currency } = company(draw)
        const parentId = draw.chance(0.15) ? store.pick(draw, 'Account') : undefined
        return {
          name,
          currency,
          paymentTerm: draw.pick(['Net 30', 'Net 60', 'Due Upon Receipt']),
          ...(draw.chance(0.4) ? { crmId: `001${draw.token(15)}` } : {}),
          ...(parentId === undefined ? {} : { parentId }),
        }
      },
      (draw) =>
        draw.pick([
          { name: company(draw).name },
          { paymentTerm: 'Net 45' },
          { status: 'Canceled' },
          { notes: 'Checked' },
        ]),
    ),
    rules(
      'Contact',
      6,
      'accountId firstName lastName workEmail workPhone mobilePhone address1 address2 city state postalCode country nickname',
      () => ({}),
      (draw, store) => {
        const accountId = store.pick(draw, 'Account')
        if (accountId === undefined) return undefined
        const { address, domain, phone } = company(draw)
        const { given, family, email } = person(draw, domain)
        return {
          accountId,
          firstName: given,
          lastName: family,
          workEmail: email,
          ...(draw.chance(0.8) ? { workPhone: phone } : {}),
          address1: address.street,
          city: address.city,
          ...(address.region ? { state: address.region } : {}),
          postalCode: address.postcode,
          country: countries.of(address.country),
        }
      },
      (draw) => ({ workPhone: company(draw).phone }),
    ),
    {
      ...rules(
        'Subscription',
        6,
        'accountId name status version originalId previousSubscriptionId isLatestVersion currency initialTerm renewalTerm autoRenew termStartDate termEndDate contractEffectiveDate subscriptionStartDate subscriptionEndDate cMRR cancelledDate',
        (_now, id) => ({
          originalId: id,
          status: 'Active',
          version: 1,
          isLatestVersion: true,
          termType: 'TERMED',
          autoRenew: true,
          renewalSetting: 'RENEW_WITH_SPECIFIC_TERM',
          initialTerm: 12,
          renewalTerm: 12,
          currentTerm: 12,
          currentTermPeriodType: 'Month',
          renewalTermPeriodType: 'Month',
          prepayment: false,
        }),
        (draw, store) => {
          const accountId = store.pick(draw, 'Account')
          if (accountId === undefined) return undefined
          const start = store.clock.now()
          return {
            accountId,
            name: number('A-S'),
            currency: recordOf(store, 'Account', accountId).currency,
            cMRR: cents(article(draw).priceMinor),
            contractEffectiveDate: writtenDay(start),
            subscriptionStartDate: writtenDay(start),
            subscriptionEndDate: writtenDay(start + 365 * dayMs),
            termStartDate: writtenDay(start),
            termEndDate: writtenDay(start + 365 * dayMs),
          }
        },
        (draw, _record, store) =>
          draw.chance(0.3)
            ? { status: 'Cancelled', cancelledDate: writtenDay(store.clock.now()) }
            : { cMRR: cents(article(draw).priceMinor) },
      ),
      amend: amendSubscription,
    },
    rules(
      'RatePlan',
      2,
      'subscriptionId productRatePlanId name',
      () => ({}),
      (draw, store) => {
        const subscriptionId = store.pick(draw, 'Subscription')
        const productRatePlanId = store.pick(draw, 'ProductRatePlan')
        if (subscriptionId === undefined || productRatePlanId === undefined) return undefined
        const { name } = recordOf(store, 'ProductRatePlan', productRatePlanId)
        return { subscriptionId, productRatePlanId, name }
      },
      (draw) => ({ name: `Plan ${draw.between(1, 99)}` }),
    ),
    rules(
      'RatePlanCharge',
      2,
      'ratePlanId productRatePlanChargeId name chargeNumber chargeType chargeModel price quantity mrr billingPeriod effectiveStartDate effectiveEndDate',
      (now) => ({
        chargeNumber: number('C-'),
        effectiveStartDate: writtenDay(now),
        effectiveEndDate: writtenDay(now + 365 * dayMs),
        segment: 1,
        isLastSegment: true,
      }),
      (draw, store) => {
        const ratePlanId = store.pick(draw, 'RatePlan')
        const charge = store.pick(draw, 'ProductRatePlanCharge')
        if (ratePlanId === undefined || charge === undefined) return undefined
        const { name, chargeType, chargeModel } = recordOf(store, 'ProductRatePlanCharge', charge)
        const price = cents(article(draw).priceMinor)
        return {
          ratePlanId,
          productRatePlanChargeId: charge,
          name,
          chargeType,
          chargeModel,
          price,
          quantity: draw.between(1, 20),
          mrr: chargeType === 'Recurring' ? price : 0,
        }
      },
      (draw) => ({ quantity: draw.between(1, 20) }),
    ),
    rules(
      'Order',
      2,
      'accountId orderDate status description',
      (now) => ({ orderNumber: number('O-'), orderDate: writtenDay(now), status: 'Completed' }),
      (draw, store) => {
        const accountId = store.pick(draw, 'Account')
        return accountId === undefined ? undefined : { accountId, description: 'New order' }
      },
      (draw) => ({ description: `Order of ${draw.between(1, 28)} items` }),
    ),
    rules(
      'Invoice',
      5,
      'accountId invoiceDate dueDate amount balance status currency amountWithoutTax taxAmount comments',
      () => ({ invoiceNumber: number('INV'), includesOneTime: true, includesRecurring: true }),
      (draw, store) => {
        const accountId = store.pick(draw, 'Account')
        if (accountId === undefined) return undefined
        const net = draw.between(10, 9000)
        const taxAmount = cents(Math.round(net * 19))
        return {
          accountId,
          invoiceDate: writtenDay(store.clock.now()),
          dueDate: writtenDay(store.clock.now() + 30 * dayMs),
          amountWithoutTax: net,
          taxAmount,
          amount: net + taxAmount,
          balance: net + taxAmount,
          currency: recordOf(store, 'Account', accountId).currency,
          status: draw.pick(['Draft', 'Posted', 'Posted']),
        }
      },
      (draw, record) =>
        draw.chance(0.6)
          ? { balance: 0, status: 'Posted' }
          : { comments: `${record.invoiceNumber}` },
    ),
    rules(
      'InvoiceItem',
      3,
      'invoiceId chargeName chargeAmount chargeDate quantity unitPrice subscriptionId taxAmount serviceStartDate serviceEndDate',
      () => ({ processingType: 'Charge', sourceItemType: 'SubscriptionComponent' }),
      (draw, store) => {
        const invoiceId = store.pick(draw, 'Invoice')
        const subscriptionId = store.pick(draw, 'Subscription')
        if (invoiceId === undefined || subscriptionId === undefined) return undefined
        const amount = draw.between(10, 2000)
        return {
          invoiceId,
          subscriptionId,
          chargeName: article(draw).name,
          chargeAmount: amount,
          chargeDate: written(store.clock.now()),
          quantity: 1,
          unitPrice: amount,
          taxAmount: 0,
        }
      },
      (draw) => ({ taxAmount: draw.between(1, 99) }),
    ),
    rules(
      'Payment',
      4,
      'accountId amount currency effectiveDate status type comment appliedAmount unappliedAmount',
      () => ({ paymentNumber: number('P-'), type: 'External', source: 'API' }),
      (draw, store) => {
        const accountId = store.pick(draw, 'Account')
        if (accountId === undefined) return undefined
        const amount = draw.between(10, 9000)
        return {
          accountId,
          amount,
          appliedAmount: amount,
          unappliedAmount: 0,
          currency: recordOf(store, 'Account', accountId).currency,
          effectiveDate: writtenDay(store.clock.now()),
          status: 'Processed',
        }
      },
      () => ({ status: 'Voided' }),
    ),
    rules(
      'CreditMemo',
      2,
      'accountId memoDate totalAmount balance status currency referredInvoiceId reasonCode',
      (now) => ({ memoNumber: number('CM'), memoDate: writtenDay(now), status: 'Posted' }),
      (draw, store) => {
        const referredInvoiceId = store.pick(draw, 'Invoice')
        if (referredInvoiceId === undefined) return undefined
        const { accountId, currency, amount } = recordOf(store, 'Invoice', referredInvoiceId)
        const totalAmount = draw.between(1, Math.max(1, Math.floor(Number(amount))))
        return { accountId, referredInvoiceId, currency, totalAmount, balance: totalAmount }
      },
      () => ({ balance: 0 }),
    ),
  ]
}

/** Fields that a new version of a subscription takes from the one before. */
const CARRIED = [
  ...['accountId', 'name', 'status', 'originalId', 'currency', 'initialTerm', 'renewalTerm'],
  ...['autoRenew', 'termStartDate', 'termEndDate', 'contractEffectiveDate', 'cMRR'],
  ...['subscriptionStartDate', 'subscriptionEndDate', 'cancelledDate'],
]

/** A change of a subscription makes a new record; the one before is no longer the latest. */
function amendSubscription(store: Store, id: string, fields: Fields): string {
  const { originalId } = store.table('Subscription').get(id)!.record
  const versions = [...store.table('Subscription').rows()].filter(
    ({ record, deleted }) => !deleted && record.originalId === originalId,
  )
  const latest = versions.reduce((a, b) =>
    Number(b.record.version) > Number(a.record.version) ? b : a,
  )
  const before = latest.record
  store.replace(
    'Subscription',
    latest.id,
    { ...before, isLatestVersion: false, updatedDate: written(store.clock.now()) },
    'updated',
  )
  const next = store.put('Subscription', {
    ...Object.fromEntries(Object.entries(before).filter(([name]) => CARRIED.includes(name))),
    ...fields,
    version: Number(before.version) + 1,
    previousSubscriptionId: latest.id,
    isLatestVersion: true,
  })
  // Each version has rate plans and charges of its own.
  for (const plan of childrenOf(store, 'RatePlan', 'subscriptionId', latest.id)) {
    const copy = store.put('RatePlan', {
      ...settable(store, 'RatePlan', plan),
      subscriptionId: next,
    })
    for (const charge of childrenOf(store, 'RatePlanCharge', 'ratePlanId', String(plan.id)))
      store.put('RatePlanCharge', {
        ...settable(store, 'RatePlanCharge', charge),
        ratePlanId: copy,
      })
  }
  return next
}

/** Returns the records of an object that refer to another one. */
export const childrenOf = (store: Store, object: string, field: string, id: string): Fields[] =>
  [...store.table(object).rows()]
    .filter(({ record, deleted }) => !deleted && ownValue(record, field) === id)
    .map(({ record }) => record)

const settable = (store: Store, object: string, record: Fields) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => store.fields(object).includes(name)))

/** Sets the contacts of an account that has none, as its first contact does. */
export function setContacts(store: Store, contact: Fields): void {
  const account = store.table('Account').get(String(contact.accountId))
  if (!account || account.deleted || account.record.billToId !== undefined) return
  store.put('Account', { id: contact.accountId, billToId: contact.id, soldToId: contact.id })
}

/** Objects that are deleted with a record, and their field that refers to it. */
const DEPENDENTS: ReadonlyMap<string, readonly [object: string, field: string][]> = new Map([
  [
    'Account',
    [
      ['Contact', 'accountId'],
      ['Subscription', 'accountId'],
      ['Invoice', 'accountId'],
      ['Payment', 'accountId'],
      ['CreditMemo', 'accountId'],
      ['Order', 'accountId'],
    ],
  ],
  ['Subscription', [['RatePlan', 'subscriptionId']]],
  ['RatePlan', [['RatePlanCharge', 'ratePlanId']]],
  ['Invoice', [['InvoiceItem', 'invoiceId']]],
])

/** Deletes what belongs to a deleted record. */
export function deleteDependents(store: Store, object: string, id: string): void {
  // A dependent may be gone already with another one.
  for (const [dependent, field] of DEPENDENTS.get(object) ?? [])
    for (const record of childrenOf(store, dependent, field, id))
      if (!store.table(dependent).get(String(record.id))?.deleted)
        store.remove(dependent, String(record.id))
}
