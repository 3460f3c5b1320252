export type AttributeKind = 'integer' | 'number' | 'string' | 'boolean' | 'date' | 'dateTime'

export interface Attribute {
  name: string
  kind: AttributeKind
  readOnly: boolean
}

export interface Resource {
  name: string
  /** The application, and with it the beginning of the path. */
  api: 'crmRestApi' | 'fscmRestApi'
  /** The attribute that identifies a record; a number in answers. */
  key: string
  /** The attribute that ends the path of one record. */
  pathKey: string
  created: string
  updated: string
  attributes: ReadonlyMap<string, Attribute>
  /** Queries with `q` may name it. */
  isQueryable(attribute: string): boolean
}

type Described = Partial<Record<AttributeKind, string>> & {
  api: Resource['api']
  key: string
  pathKey?: string
  created?: string
  updated?: string
}

const words = (text = '') => text.split(/\s+/).filter(Boolean)
const KINDS = ['integer', 'number', 'string', 'boolean', 'date', 'dateTime'] as const

/** Derived texts, which `q` cannot name. */
const NOT_QUERYABLE = new Set(['FormattedAddress', 'FormattedPhoneNumber'])

function resource(name: string, described: Described): Resource {
  const attributes = new Map<string, Attribute>()
  const add = (attribute: string, kind: AttributeKind, readOnly: boolean) =>
    attributes.set(attribute, { name: attribute, kind, readOnly })
  const { api, key, created = 'CreationDate', updated = 'LastUpdateDate' } = described
  add(key, 'integer', true)
  for (const kind of KINDS) for (const found of words(described[kind])) add(found, kind, false)
  for (const found of [created, updated]) add(found, 'dateTime', true)
  for (const found of ['CreatedBy', 'LastUpdatedBy']) add(found, 'string', true)
  return {
    name,
    api,
    key,
    pathKey: described.pathKey ?? key,
    created,
    updated,
    attributes,
    isQueryable: (attribute) => attributes.has(attribute) && !NOT_QUERYABLE.has(attribute),
  }
}

const ADDRESS = `AddressLine1 AddressLine2 AddressLine3 AddressLine4 City State PostalCode County
  Country FormattedAddress AddressNumber`
const PHONE = 'PhoneCountryCode PhoneAreaCode PhoneNumber PhoneExtension FormattedPhoneNumber'

export const RESOURCES: readonly Resource[] = [
  resource('accounts', {
    api: 'crmRestApi',
    key: 'PartyId',
    pathKey: 'PartyNumber',
    string: `PartyNumber OrganizationName PartyUniqueName UniqueNameSuffix PartyType Type PartyStatus
      SourceSystem SourceSystemReferenceValue DUNSNumber TaxpayerIdentificationNumber URL
      EmailAddress ${PHONE} ${ADDRESS} CurrencyCode IndustryCode IndustryCodeType
      OwnerName OwnerEmailAddress OwnerPartyNumber ParentAccountName ParentAccountPartyNumber
      PrimaryContactName SalesProfileStatus OrganizationSize CustomerCategoryCode Comments
      StockSymbol LineOfBusiness PreferredContactMethod TouchstoneId_c`,
    integer: `OwnerPartyId ParentAccountPartyId PrimaryContactPartyId EmployeesTotal
      OrganizationProfileId`,
    number: 'AnnualRevenueAmount',
    boolean: 'DoNotCallFlag DoNotEmailFlag NamedAccountFlag',
    date: 'YearEstablishedDate',
  }),
  resource('contacts', {
    api: 'crmRestApi',
    key: 'PartyId',
    pathKey: 'PartyNumber',
    string: `PartyNumber ContactName FirstName MiddleName LastName LastNamePrefix PartyUniqueName
      PartyType PartyStatus Type SourceSystem SourceSystemReferenceValue SalutoryIntroduction
      JobTitle Department EmailAddress ${ADDRESS} WorkPhoneCountryCode WorkPhoneAreaCode
      WorkPhoneNumber MobileCountryCode MobileAreaCode MobileNumber AccountName
      AccountPartyNumber OwnerName OwnerEmailAddress SalesProfileStatus Comments
      FormattedWorkPhoneNumber PreferredContactMethod CurrencyCode TouchstoneId_c`,
    integer: 'AccountPartyId OwnerPartyId PersonProfileId',
    boolean: 'DoNotCallFlag DoNotEmailFlag ContactIsPrimaryForAccount',
    date: 'DateOfBirth',
  }),
  resource('opportunities', {
    api: 'crmRestApi',
    key: 'OptyId',
    pathKey: 'OptyNumber',
    string: `OptyNumber Name TargetPartyName StatusCode SalesStage SalesMethod CurrencyCode
      PrimaryContactPartyName OwnerResourcePartyName PartyName1 EmailAddress DescriptionText
      Comments ForecastOverrideCode ReasonWonLostCode WinLossCategory StageStatusCd PhaseCd
      SalesChannelCd RiskLevelCode StrategicLevelCode LineOfBusinessCode`,
    integer: `TargetPartyId KeyContactId OwnerResourcePartyId SalesStageId SalesMethodId
      PrimaryRevenueId BUOrgId WinProb RcmndWinProb`,
    number: 'Revenue ExpectAmount DownsideAmount UpsideAmount',
    date: 'EffectiveDate ActualCloseDate',
    boolean: 'ChampionFlag BudgetedFlag',
  }),
  resource('contracts', {
    api: 'crmRestApi',
    key: 'Id',
    string: `ContractNumber ContractPuid ContractName StsCode StatusMeaning ContractTypeName Intent
      BuyOrSell CurrencyCode PartyName PrimaryPartyName LegalEntityName BusinessUnitName
      ShortDescription Description CustomerPONumber PaymentTermsName RenewalTypeCode
      VersionType OwnerName ExternalSource ExternalReferenceKey`,
    integer: `MajorVersion ContractTypeId PartyId PrimaryPartyId OrgId LegalEntityId OwnerResourceId
      ContractId`,
    number: 'EstimatedAmount ContractAmount ContractAgreedAmount',
    date: 'StartDate EndDate DateApproved DateSigned DateTerminated',
  }),
  resource('itemsV2', {
    api: 'fscmRestApi',
    key: 'ItemId',
    created: 'CreationDateTime',
    updated: 'LastUpdateDateTime',
    string: `ItemNumber ItemDescription LongDescription ItemClass ItemStatusValue LifecyclePhaseValue
      ApprovalStatusValue PrimaryUOMValue PrimaryUOMCode UserItemTypeValue OrganizationCode
      ItemKeywords FormattedDescription TradeItemDescriptor`,
    integer: 'OrganizationId ItemClassId',
    number: 'ListPrice UnitWeightQuantity',
    boolean: `CustomerOrderEnabledFlag CustomerOrderFlag PurchasingFlag InvoiceEnabledFlag
      InventoryItemFlag ContractManagementFlag`,
  }),
  resource('receivablesInvoices', {
    api: 'fscmRestApi',
    key: 'CustomerTransactionId',
    string: `TransactionNumber TransactionSource TransactionType DocumentNumber BillToCustomerName
      BillToCustomerNumber BillToSite BillToContact ShipToCustomerName ShipToCustomerNumber
      BusinessUnit LegalEntityIdentifier InvoiceCurrencyCode InvoiceStatus PaymentTerms
      PurchaseOrder CrossReference Comments SpecialInstructions DeliveryMethod Email
      ReceiptMethod ConversionRateType InvoicingRule FirstPartyTaxRegistration
      ThirdPartyTaxRegistration StructuredPaymentReference InternalNotes`,
    number: `EnteredAmount InvoiceBalanceAmount FreightAmount ConversionRate`,
    date: `TransactionDate AccountingDate DueDate BillingDate ConversionDate PurchaseOrderDate
      PrintDate`,
  }),
  resource('receivablesCreditMemos', {
    api: 'fscmRestApi',
    key: 'CustomerTransactionId',
    string: `TransactionNumber TransactionSource TransactionType DocumentNumber BillToCustomerName
      BillToCustomerNumber BillToSite BillToContact ShipToCustomerName ShipToCustomerNumber
      BusinessUnit LegalEntityIdentifier CreditMemoCurrency CreditMemoStatus CreditReason
      CreditMemoComments CrossReference PurchaseOrder ConversionRateType`,
    number: 'EnteredAmount TransactionBalanceDue FreightCreditAmount ConversionRate',
    date: 'TransactionDate AccountingDate ConversionDate PrintDate',
  }),
  resource('salesOrdersForOrderHub', {
    api: 'fscmRestApi',
    key: 'HeaderId',
    pathKey: 'OrderKey',
    string: `OrderKey OrderNumber SourceTransactionNumber SourceTransactionSystem SourceTransactionId
      BusinessUnitName BuyingPartyName BuyingPartyNumber CustomerPONumber TransactionTypeCode
      TransactionType TransactionalCurrencyCode TransactionalCurrencyName StatusCode Status
      PaymentTerms PaymentTermsCode RequestingBusinessUnitName ShippingCarrier FOBPoint Comments`,
    integer: 'BusinessUnitId BuyingPartyId SourceTransactionRevisionNumber SalespersonId',
    number: 'CurrencyConversionRate',
    boolean: 'SubmittedFlag OnHoldFlag FreezePriceFlag FreezeTaxFlag',
    dateTime: 'TransactionOn RequestedShipDate RequestedArrivalDate',
  }),
  resource('standardReceipts', {
    api: 'fscmRestApi',
    key: 'StandardReceiptId',
    string: `ReceiptNumber BusinessUnit ReceiptMethod Currency State Status CustomerName
      CustomerAccountNumber CustomerSite TaxpayerIdentificationNumber RemittanceBankName
      RemittanceBankBranch RemittanceBankAccountNumber ConversionRateType Comments
      CustomerBankName StructuredPaymentReference PostmarkDate`,
    integer: 'DocumentNumber',
    number: 'Amount AccountedAmount UnappliedAmount ConversionRate',
    date: `ReceiptDate AccountingDate MaturityDate ConversionDate RemittanceBankDepositDate
      ReversalDate`,
  }),
]

const byPath = new Map(RESOURCES.map((found) => [`${found.api} ${found.name}`, found]))
export const findResource = (api: string, name: string): Resource | undefined =>
  byPath.get(`${api} ${name}`)
export const resourceNamed = (name: string): Resource =>
  RESOURCES.find((found) => found.name === name)!
