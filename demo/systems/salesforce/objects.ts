/** How the values of a field are written in JSON and in SOQL. */
export type FieldKind =
  | 'id'
  | 'reference'
  | 'string'
  /** A long text: it cannot be filtered or sorted. */
  | 'text'
  | 'boolean'
  | 'number'
  | 'date'
  | 'datetime'
  /** A compound address, made of the fields that begin with its name. */
  | 'address'

export interface Field {
  name: string
  kind: FieldKind
  /** Set by Salesforce alone. */
  readOnly: boolean
  /** The object that a reference leads to, and the name of the relationship. */
  target?: string
  relationship?: string
}

export interface ObjectType {
  name: string
  /** The first three characters of its ids. */
  prefix: string
  /** By name in lower case: SOQL ignores the case. */
  fields: ReadonlyMap<string, Field>
}

interface Described {
  prefix: string
  text?: string
  string?: string
  number?: string
  boolean?: string
  date?: string
  datetime?: string
  /** `Field:Object`; without an object, the field's name without `Id` is the object. */
  reference?: string
  address?: string
  /** Fields that Salesforce itself sets, with their kind. */
  readOnly?: readonly [string, FieldKind][]
  /** Users are never deleted. */
  keeps?: true
}

const words = (text = '') => text.split(/\s+/).filter(Boolean)

function objectType(name: string, described: Described): ObjectType {
  const fields: Field[] = [{ name: 'Id', kind: 'id', readOnly: true }]
  for (const kind of ['string', 'text', 'number', 'boolean', 'date', 'datetime'] as const)
    for (const field of words(described[kind])) fields.push({ name: field, kind, readOnly: false })
  for (const [field, kind] of described.readOnly ?? [])
    fields.push({ name: field, kind, readOnly: true })
  for (const text of words(described.reference)) fields.push(reference(text, false))
  for (const prefix of words(described.address)) {
    const parts = ['Street', 'City', 'State', 'StateCode', 'PostalCode', 'Country', 'CountryCode']
    for (const part of parts) fields.push({ name: prefix + part, kind: 'string', readOnly: false })
    for (const part of ['Latitude', 'Longitude'])
      fields.push({ name: prefix + part, kind: 'number', readOnly: false })
    fields.push({ name: `${prefix}Address`, kind: 'address', readOnly: true })
  }
  for (const field of ['CreatedDate', 'LastModifiedDate', 'SystemModstamp'])
    fields.push({ name: field, kind: 'datetime', readOnly: true })
  fields.push(reference('CreatedById:User', true), reference('LastModifiedById:User', true))
  if (!described.keeps) fields.push({ name: 'IsDeleted', kind: 'boolean', readOnly: true })
  return {
    name,
    prefix: described.prefix,
    fields: new Map(fields.map((field) => [field.name.toLowerCase(), field])),
  }
}

function reference(text: string, readOnly: boolean): Field {
  const [name = '', object] = text.split(':')
  const relationship = name.endsWith('Id') ? name.slice(0, -2) : undefined
  const target = object ?? relationship
  return {
    name,
    kind: 'reference',
    readOnly,
    ...(target !== undefined && { target }),
    ...(relationship !== undefined && { relationship }),
  }
}

/** An enterprise org with several currencies, person accounts, and picklists of countries. */
export const OBJECT_TYPES: readonly ObjectType[] = [
  objectType('User', {
    prefix: '005',
    keeps: true,
    string: `Username LastName FirstName Name Email Phone MobilePhone Title Department Alias
      CompanyName EmployeeNumber TimeZoneSidKey LocaleSidKey LanguageLocaleKey UserType
      DefaultCurrencyIsoCode FederationIdentifier`,
    boolean: 'IsActive',
    reference: 'ManagerId:User',
  }),
  objectType('Account', {
    prefix: '001',
    string: `Name Type AccountNumber AccountSource Phone Fax Website Industry Rating Ownership Site
      Sic SicDesc TickerSymbol Tradestyle DunsNumber NaicsCode NaicsDesc YearStarted Jigsaw
      CurrencyIsoCode Salutation FirstName LastName PersonEmail PersonMobilePhone
      PersonHomePhone PersonTitle Payment_Terms__c Registration_Number__c Touchstone_Id__c`,
    text: 'Description',
    number: 'AnnualRevenue NumberOfEmployees',
    boolean: 'IsPersonAccount',
    date: 'LastActivityDate PersonBirthdate',
    reference: 'ParentId:Account OwnerId:User',
    address: 'Billing Shipping',
    readOnly: [
      ['MasterRecordId', 'id'],
      ['PhotoUrl', 'string'],
      ['LastViewedDate', 'datetime'],
      ['LastReferencedDate', 'datetime'],
    ],
  }),
  objectType('Contact', {
    prefix: '003',
    string: `Salutation FirstName LastName Name Title Department Email Phone MobilePhone HomePhone
      OtherPhone Fax AssistantName AssistantPhone LeadSource CurrencyIsoCode Jigsaw
      EmailBouncedReason Touchstone_Id__c`,
    text: 'Description',
    boolean: 'HasOptedOutOfEmail HasOptedOutOfFax DoNotCall',
    date: 'Birthdate LastActivityDate',
    datetime: 'EmailBouncedDate',
    reference: 'AccountId OwnerId:User ReportsToId:Contact',
    address: 'Mailing Other',
    readOnly: [
      ['MasterRecordId', 'id'],
      ['IsEmailBounced', 'boolean'],
    ],
  }),
  objectType('Lead', {
    prefix: '00Q',
    string: `Salutation FirstName LastName Name Title Company Email Phone MobilePhone Fax Website
      LeadSource Status Industry Rating CurrencyIsoCode CompanyDunsNumber Touchstone_Id__c
      Street City State StateCode PostalCode Country CountryCode`,
    text: 'Description',
    number: 'AnnualRevenue NumberOfEmployees',
    boolean: 'IsConverted IsUnreadByOwner HasOptedOutOfEmail DoNotCall',
    date: 'ConvertedDate LastActivityDate',
    reference: `OwnerId:User ConvertedAccountId:Account ConvertedContactId:Contact
      ConvertedOpportunityId:Opportunity`,
    readOnly: [['MasterRecordId', 'id']],
  }),
  objectType('Product2', {
    prefix: '01t',
    string: `Name ProductCode StockKeepingUnit Family QuantityUnitOfMeasure DisplayUrl ExternalId
      CurrencyIsoCode GTIN__c Manufacturer_Code__c Touchstone_Id__c`,
    text: 'Description',
    number: 'List_Price__c',
    boolean: 'IsActive IsArchived',
  }),
  objectType('Pricebook2', {
    prefix: '01s',
    string: 'Name Description',
    boolean: 'IsActive IsStandard IsArchived',
  }),
  objectType('PricebookEntry', {
    prefix: '01u',
    string: 'Name ProductCode CurrencyIsoCode',
    number: 'UnitPrice',
    boolean: 'IsActive UseStandardPrice IsArchived',
    reference: 'Pricebook2Id Product2Id',
  }),
  objectType('Opportunity', {
    prefix: '006',
    string: `Name StageName Type LeadSource NextStep ForecastCategory ForecastCategoryName
      CurrencyIsoCode Fiscal Touchstone_Id__c`,
    text: 'Description',
    number: 'Amount Probability ExpectedRevenue TotalOpportunityQuantity FiscalYear FiscalQuarter',
    boolean: 'IsClosed IsWon IsPrivate HasOpportunityLineItem',
    date: 'CloseDate LastActivityDate',
    datetime: 'LastStageChangeDate',
    reference: 'AccountId OwnerId:User ContractId Pricebook2Id ContactId',
  }),
  objectType('OpportunityLineItem', {
    prefix: '00k',
    string: 'Name ProductCode Description CurrencyIsoCode',
    number: 'Quantity UnitPrice ListPrice TotalPrice Subtotal Discount SortOrder',
    date: 'ServiceDate',
    reference: 'OpportunityId PricebookEntryId Product2Id',
  }),
  objectType('Contract', {
    prefix: '800',
    string: `ContractNumber Name Status StatusCode CurrencyIsoCode OwnerExpirationNotice Renewal__c
      Touchstone_Id__c`,
    text: 'Description SpecialTerms',
    number: 'ContractTerm Contract_Value__c',
    date: 'StartDate EndDate CompanySignedDate CustomerSignedDate',
    datetime: 'ActivatedDate LastApprovedDate',
    reference: `AccountId OwnerId:User Pricebook2Id CompanySignedId:User CustomerSignedId:Contact
      ActivatedById:User`,
    address: 'Billing Shipping',
  }),
  objectType('Order', {
    prefix: '801',
    string: `OrderNumber Name OrderReferenceNumber Status StatusCode Type PoNumber CurrencyIsoCode
      Touchstone_Id__c`,
    text: 'Description',
    number: 'TotalAmount',
    boolean: 'IsReductionOrder',
    date: 'EffectiveDate EndDate PoDate',
    datetime: 'ActivatedDate',
    reference: `AccountId OwnerId:User ContractId Pricebook2Id OpportunityId BillToContactId:Contact
      OriginalOrderId:Order`,
    address: 'Billing Shipping',
  }),
  objectType('OrderItem', {
    prefix: '802',
    string: 'OrderItemNumber Description CurrencyIsoCode',
    number: 'Quantity AvailableQuantity UnitPrice ListPrice TotalPrice',
    date: 'ServiceDate EndDate',
    reference: 'OrderId PricebookEntryId Product2Id OriginalOrderItemId:OrderItem',
  }),
  objectType('Quote', {
    prefix: '0Q0',
    string: `Name QuoteNumber Status Email Phone Fax CurrencyIsoCode BillingName ShippingName
      QuoteToName Touchstone_Id__c`,
    text: 'Description',
    number: 'Subtotal TotalPrice GrandTotal Discount Tax ShippingHandling LineItemCount',
    boolean: 'IsSyncing',
    date: 'ExpirationDate',
    reference: 'OpportunityId AccountId ContactId OwnerId:User Pricebook2Id ContractId',
    address: 'Billing Shipping QuoteTo',
  }),
  objectType('QuoteLineItem', {
    prefix: '0QL',
    string: 'LineNumber Description CurrencyIsoCode',
    number: 'Quantity UnitPrice ListPrice TotalPrice Subtotal Discount SortOrder',
    date: 'ServiceDate',
    reference: 'QuoteId PricebookEntryId Product2Id OpportunityLineItemId',
  }),
  objectType('Entitlement', {
    prefix: '550',
    string: 'Name Type Status CurrencyIsoCode',
    number: 'CasesPerEntitlement RemainingCases',
    boolean: 'IsPerIncident',
    date: 'StartDate EndDate',
    reference: 'AccountId AssetId ServiceContractId',
  }),
  objectType('Asset', {
    prefix: '02i',
    string: 'Name SerialNumber Status ProductCode StockKeepingUnit CurrencyIsoCode',
    text: 'Description',
    number: 'Price Quantity',
    boolean: 'IsCompetitorProduct IsInternal',
    date: 'PurchaseDate InstallDate UsageEndDate',
    reference: 'AccountId ContactId Product2Id OwnerId:User ParentId:Asset RootAssetId:Asset',
  }),
]

const byName = new Map(OBJECT_TYPES.map((type) => [type.name.toLowerCase(), type]))

export const findObjectType = (name: string): ObjectType | undefined =>
  byName.get(name.toLowerCase())

/** A custom field that is an external id, with unique values in any case of letters. */
export const GOLDEN_ID = 'Touchstone_Id__c'

/** Fields by which an upsert finds a record. An email address may belong to several. */
export const isExternalId = (type: ObjectType, { name }: Field): boolean =>
  name === GOLDEN_ID || (name === 'Email' && (type.name === 'Contact' || type.name === 'Lead'))

export const isUnique = ({ name }: Field): boolean => name === GOLDEN_ID
