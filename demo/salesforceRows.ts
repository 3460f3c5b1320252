import { ownValue } from '../schema/kit/dictionary.ts'
import type { ContactView } from './contactView.ts'
import type { CustomerView } from './customerView.ts'
import { isoDate } from './draft.ts'
import { decimal } from './money.ts'
import type { Fields } from './salesforceEvents.ts'
import {
  accountId,
  contactId,
  contractId,
  opportunityId,
  ownerId,
  ownerName,
  productId,
  type SalesforceObject,
} from './salesforceIds.ts'
import {
  type Address,
  type Contact,
  type Contract,
  type Customer,
  exportedAt,
  type Opportunity,
  type Product,
} from './truth.ts'

/** SObjects as the REST API returns them: every field of the query, null if it has no value. */

/** Formats a moment as Salesforce does: `2026-03-01T09:30:00.000+0000`. */
const moment = (time: number) => new Date(time).toISOString().replace('Z', '+0000')

function frame(object: SalesforceObject, id: string, created: number, modified: number): Fields {
  return {
    attributes: { type: object, url: `/services/data/v66.0/sobjects/${object}/${id}` },
    Id: id,
    IsDeleted: false,
    CreatedDate: moment(created),
    LastModifiedDate: moment(modified),
    SystemModstamp: moment(modified + 1000),
  }
}

function address(prefix: string, value: Address | undefined, countryName: string): Fields {
  return {
    [`${prefix}Street`]: value?.street ?? null,
    [`${prefix}City`]: value?.city ?? null,
    [`${prefix}State`]: value?.region || null,
    [`${prefix}PostalCode`]: value?.postcode ?? null,
    [`${prefix}Country`]: value ? countryName : null,
    [`${prefix}CountryCode`]: value?.country ?? null,
  }
}

const accountTypes = {
  LEAD: 'Prospect',
  PROSPECT: 'Prospect',
  CUSTOMER: 'Customer - Direct',
  FORMER: 'Former Customer',
} as const

export function accountRow(
  customer: Customer,
  view: CustomerView,
  copy: number,
  parentId: string | null,
  modified: number,
): Fields {
  const country = customer.locale.countryNames[0]!
  return {
    ...frame(
      'Account',
      accountId(customer.index, copy),
      Math.min(customer.since, exportedAt),
      modified,
    ),
    Name: view.name,
    IsPersonAccount: view.person,
    ...(view.person
      ? {
          Salutation: view.salutation ?? null,
          FirstName: view.given ?? null,
          LastName: view.surname ?? view.name,
          PersonEmail: view.email ?? null,
          PersonMobilePhone: view.mobile ?? null,
        }
      : {}),
    Type: accountTypes[customer.lifecycle],
    ParentId: parentId,
    MasterRecordId: null,
    ...address('Billing', view.address, country),
    ...address('Shipping', view.shipping, country),
    Phone: view.phone ?? null,
    Website: view.website ?? null,
    Industry: customer.industry,
    AccountNumber: `A-${String(100_000 + customer.index * 2 + copy)}`,
    DunsNumber: view.duns ?? null,
    Tradestyle: view.tradingName ?? null,
    NumberOfEmployees: customer.employees || null,
    CurrencyIsoCode: customer.currency,
    OwnerId: ownerId(customer.owner),
    Owner: {
      attributes: {
        type: 'User',
        url: `/services/data/v66.0/sobjects/User/${ownerId(customer.owner)}`,
      },
      Name: ownerName(customer.owner),
    },
    Payment_Terms__c: view.terms,
    Registration_Number__c: view.registration ?? null,
  }
}

export function contactRow(
  customer: Customer,
  contact: Contact,
  view: ContactView,
  copy: number,
  account: string,
  modified: number,
): Fields {
  return {
    ...frame(
      'Contact',
      contactId(customer.index, contact.ordinal, copy),
      Math.min(customer.since + 3_600_000, exportedAt),
      modified,
    ),
    AccountId: account,
    Salutation: view.salutation,
    FirstName: view.given ?? null,
    LastName: view.surname,
    Name: view.name,
    Title: view.title ?? null,
    Email: view.email ?? null,
    Phone: view.phone ?? null,
    MobilePhone: view.mobile ?? null,
    ...address(
      'Mailing',
      contact.ordinal === 0 ? customer.address : undefined,
      customer.locale.countryNames[0]!,
    ),
    MasterRecordId: null,
  }
}

export function productRow(
  product: Product,
  name: string,
  code: boolean,
  gtin: boolean,
  priceCents: number,
  modified: number,
): Fields {
  return {
    ...frame('Product2', productId(product.index), product.since, modified),
    Name: name,
    ProductCode: code ? product.sku : null,
    StockKeepingUnit: code ? null : product.sku,
    Description: product.description,
    Family: product.category,
    QuantityUnitOfMeasure: product.unit,
    IsActive: product.active,
    List_Price__c: decimal(priceCents, 'EUR'),
    CurrencyIsoCode: 'EUR',
    GTIN__c: gtin ? (product.gtin ?? null) : null,
    Manufacturer_Code__c: product.manufacturerCode ?? null,
  }
}

const contractStatus = {
  DRAFT: 'Draft',
  ACTIVE: 'Activated',
  EXPIRED: 'Expired',
  CANCELLED: 'Cancelled',
} as const
const renewals = { AUTOMATIC: 'Automatic', MANUAL: 'Manual', NONE: 'None' } as const

export function contractRow(
  customer: Customer,
  contract: Contract,
  account: string,
  status: Contract['status'],
  modified: number,
): Fields {
  return {
    ...frame(
      'Contract',
      contractId(customer.index, contract.ordinal),
      Math.min(contract.start, exportedAt),
      modified,
    ),
    AccountId: account,
    ContractNumber: contract.number,
    Name: `${contract.lines[0]!.product.category} ${new Date(contract.start).getUTCFullYear()}`,
    Status: contractStatus[status],
    StartDate: isoDate(contract.start),
    EndDate: isoDate(contract.end),
    ContractTerm: contract.termMonths,
    CurrencyIsoCode: customer.currency,
    Description: null,
    Contract_Value__c: decimal(contract.valueMinor, customer.currency),
    Renewal__c: renewals[contract.renewal],
  }
}

const probabilities: Readonly<Record<string, number>> = {
  Prospecting: 10,
  Qualification: 20,
  'Needs Analysis': 35,
  'Proposal/Price Quote': 60,
  'Negotiation/Review': 80,
  'Closed Won': 100,
  'Closed Lost': 0,
}
const forecast = (probability: number) =>
  probability === 100
    ? 'Closed'
    : probability === 0
      ? 'Omitted'
      : probability > 50
        ? 'Best Case'
        : 'Pipeline'

export function opportunityRow(
  customer: Customer,
  opportunity: Opportunity,
  account: string,
  stage: string,
  contractKnown: boolean,
  modified: number,
): Fields {
  const probability = ownValue(probabilities, stage)!
  return {
    ...frame(
      'Opportunity',
      opportunityId(customer.index, opportunity.ordinal),
      Math.min(opportunity.close - 40 * 86_400_000, exportedAt),
      modified,
    ),
    AccountId: account,
    ContractId:
      contractKnown && opportunity.contract
        ? contractId(customer.index, opportunity.contract.ordinal)
        : null,
    Name: opportunity.name,
    StageName: stage,
    Amount: decimal(opportunity.amountMinor, customer.currency),
    CurrencyIsoCode: customer.currency,
    CloseDate: isoDate(opportunity.close),
    Probability: probability,
    IsClosed: stage.startsWith('Closed'),
    IsWon: stage === 'Closed Won',
    Type: customer.lifecycle === 'CUSTOMER' ? 'Existing Business' : 'New Business',
    LeadSource: ['Web', 'Partner Referral', 'Trade Show', 'Phone Inquiry'][customer.index % 4]!,
    ForecastCategoryName: forecast(probability),
    OwnerId: ownerId(customer.owner),
  }
}
