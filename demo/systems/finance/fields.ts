export type FieldKind = 'string' | 'integer' | 'decimal' | 'enum' | 'date' | 'moment'

export interface Field {
  name: string
  kind: FieldKind
  /** The name of the enumeration, and its values. */
  enumeration: { name: string; values: readonly string[] } | undefined
  /** Set by the system alone. */
  readOnly: boolean
  /** Characters of a text; longer ones are cut. */
  length: number
}

export interface Described {
  string?: string
  integer?: string
  decimal?: string
  date?: string
  /** Fields of the enumeration `NoYes`. */
  noYes?: string
  /** Other enumerations, by field. */
  enums?: readonly (readonly [field: string, name: string, values: string])[]
  readOnly?: string
  lengths?: Readonly<Record<string, number>>
}

const lengthDefault = 255
const NO_YES = { name: 'NoYes', values: ['No', 'Yes'] }
export const words = (text = '') => text.split(/\s+/).filter(Boolean)

/** Returns the fields that a description names, by name. */
export function fieldsOf(described: Described): Map<string, Field> {
  const fields = new Map<string, Field>()
  const readOnly = new Set(words(described.readOnly))
  const lengths = new Map(Object.entries(described.lengths ?? {}))
  const add = (name: string, kind: FieldKind, enumeration?: Field['enumeration']) =>
    fields.set(name, {
      ...{ name, kind, enumeration, readOnly: readOnly.has(name) },
      length: lengths.get(name) ?? lengthDefault,
    })
  for (const kind of ['string', 'integer', 'decimal', 'date'] as const)
    for (const name of words(described[kind])) add(name, kind)
  for (const name of words(described.noYes)) add(name, 'enum', NO_YES)
  for (const [field, name, values] of described.enums ?? [])
    add(field, 'enum', { name, values: words(values) })
  return fields
}

const ADDRESS = (prefix: string) =>
  words(`Description ZipCode TimeZone City CountryRegionId CountryRegionISOCode County DistrictName
    LocationId State Street StreetNumber BuildingComplement`)
    .map((part) => `${prefix}${part}`)
    .join(' ')

/** `CustCustomerV3Entity`, as the Common Data Model lists it, without fields of single countries. */
export const CUSTOMER: Described = {
  string: `CustomerAccount PartyType OrganizationName NameAlias KnownAs CustomerGroupId
    OrganizationNumber OrganizationABCCode OrganizationPhoneticName PersonInitials PersonFirstName
    PersonMiddleName PersonLastNamePrefix PersonLastName PersonProfessionalTitle
    PersonProfessionalSuffix PersonPhoneticFirstName PersonPhoneticLastName PersonPhoneticMiddleName
    PersonChildrenNames PersonHobbies PartyNumber AddressBooks LanguageId FullPrimaryAddress
    ${ADDRESS('Address')} AddressLocationRoles AddressPostbox ${ADDRESS('DeliveryAddress')}
    ${ADDRESS('InvoiceAddress')} PrimaryContactEmail PrimaryContactEmailDescription
    PrimaryContactEmailPurpose PrimaryContactFax PrimaryContactFaxDescription
    PrimaryContactFaxExtension PrimaryContactFaxPurpose PrimaryContactPhone
    PrimaryContactPhoneDescription PrimaryContactPhoneExtension PrimaryContactPhonePurpose
    PrimaryContactURL PrimaryContactURLDescription PrimaryContactURLPurpose PrimaryContactFacebook
    PrimaryContactFacebookDescription PrimaryContactFacebookPurpose PrimaryContactLinkedIn
    PrimaryContactLinkedInDescription PrimaryContactLinkedInPurpose PrimaryContactTwitter
    PrimaryContactTwitterDescription PrimaryContactTwitterPurpose StatisticsGroupId
    IdentificationNumber PartyCountry PartyState VendorAccount ContactPersonId LineOfBusinessId
    EmployeeResponsibleNumber MainContactWorker SalesSegmentId SalesSubsegmentId SalesDistrict
    CompanyChain SalesCurrencyCode SalesMemo CreditRating CollectionsContactPersonId ChargesGroupId
    SiteId WarehouseId ItemCustomerGroupId CommissionCustomerGroupId CommissionSalesGroupId
    SalesOrderPoolId SalesAccountNumber MultiLineDiscountCode TotalDiscountCode DiscountPriceGroupId
    LineDiscountCode CustomerRebateGroupId CustomerTMAGroupId SupplementaryItemGroupId PaymentTerms
    PaymentMethod PaymentSpecification PaymentSchedule PaymentDay PaymentCashDiscount
    PaymentBankAccount PaymentFactoringAccount PaymentIdType DefaultInventoryStatusId InvoiceAccount
    NumberSequenceGroup DeliveryFreightZone DeliveryTerms DeliveryMode DeliveryReason DestinationCode
    ReceiptCalendar SalesTaxGroup TaxExemptNumber SalesReturnTaxGroup ReceiptEmail TaxRegistrationId
    DefaultDimensionDisplayValue DefaultECommerceOperator FulfillmentPolicyName
    CustClassificationId CollectionLetterCode`,
  integer: `OrganizationNumberOfEmployees PersonAnniversaryDay PersonAnniversaryYear
    OrderEntryDeadline PaymentTermsBaseDays`,
  decimal: `AddressLatitude AddressLongitude CreditLimit DeliveryAddressLatitude
    DeliveryAddressLongitude InvoiceAddressLatitude InvoiceAddressLongitude`,
  date: `AddressValidFrom AddressValidTo DeliveryAddressValidFrom DeliveryAddressValidTo
    InvoiceAddressValidFrom InvoiceAddressValidTo`,
  noYes: `PrimaryContactEmailIsIM PrimaryContactPhoneIsMobile IsOneTimeCustomer
    CreditLimitIsMandatory IsExcludedFromInterestChargeCalculation
    IsExcludedFromCollectionFeeCalculation PaymentUseCashDiscount WarehouseIsASNGenerated
    WarehouseIsEntireShipmentFilled IsFuelSurchargeApplied IsSalesTaxIncludedInPrices
    IsElectronicInvoice IsFreightAccrued IsTransactionPostedAsShipment IsOrderNumberReferenceUsed
    IsPurchRequestUsed IsExternallyMaintained IsAllowCreateIndirectOrderLines`,
  enums: [
    ['OnHoldStatus', 'CustVendorBlocked', 'No Invoice All Payment Requisition Never'],
    ['PersonGender', 'Gender', 'Unknown Male Female NonSpecific'],
    ['AccountStatement', 'CustAccountStatement', 'Always Quarter Biannually Yearly Never'],
    ['InvoiceAddress', 'InvoiceOrderAccount', 'InvoiceAccount OrderAccount'],
  ],
  readOnly: `FullPrimaryAddress AddressCountryRegionISOCode DeliveryAddressCountryRegionISOCode
    InvoiceAddressCountryRegionISOCode`,
  lengths: {
    ...{ CustomerAccount: 20, OrganizationName: 100, NameAlias: 20, KnownAs: 100, PartyNumber: 40 },
    ...{ CustomerGroupId: 10, TaxExemptNumber: 20, OrganizationNumber: 30, PersonFirstName: 25 },
    ...{ PersonLastName: 25, AddressStreet: 250, AddressCity: 60, AddressZipCode: 10 },
    ...{ AddressState: 10, AddressDescription: 60, PaymentTerms: 10, IdentificationNumber: 50 },
  },
}

/** `smmContactPersonEntity`: what the metadata of an environment lists. */
export const CONTACT: Described = {
  string: `ContactPersonId ContactPersonPartyNumber ContactPersonName AssociatedPartyNumber
    FirstName MiddleName LastName Initials KnownAsName SearchName
    ProfessionalTitle ProfessionalSuffix EmploymentJobTitle EmploymentProfession
    EmploymentDepartment EmploymentJobFunctionName EmploymentOfficeLocation AssistantName
    AssistantPhoneNumber ManagerContactPersonId DecisionMakingRoleCode LoyaltyLevelPhrase
    ContactInformationLanguageId GovernmentIdentificationNumber Notes SpouseName ChildrenNames
    Hobbies PrimaryEmailAddress PrimaryEmailAddressDescription PrimaryEmailAddressPurpose
    PrimaryPhoneNumber PrimaryPhoneNumberDescription PrimaryPhoneNumberExtension
    PrimaryPhoneNumberPurpose PrimaryFaxNumber PrimaryFaxNumberDescription PrimaryURL
    PrimaryLinkedIn PrimaryTwitter PrimaryFacebook FormattedPrimaryAddress
    PrimaryAddressDescription PrimaryAddressCity PrimaryAddressCountryRegionId PrimaryAddressCountyId
    PrimaryAddressStateId PrimaryAddressStreet PrimaryAddressStreetNumber PrimaryAddressZipCode
    PrimaryAddressLocationId ContactPersonResponsiblePersonnelNumber`,
  integer: 'BirthDay BirthYear AnniversaryYear AvailableFromTime AvailableToTime',
  noYes: `IsInactive IsReceivingDirectMail IsPrimaryPhoneNumberMobile IsDefaultContactPerson
    IsVendorPortalAccessAllowed HasRequestedInternetAccess IsContactPersonExternallyMaintained`,
  enums: [
    ['Gender', 'Gender', 'Unknown Male Female NonSpecific'],
    ['MaritalStatus', 'DirPersonMaritalStatus', 'None Married Single Widowed Divorced'],
  ],
  readOnly: 'ContactPersonName FormattedPrimaryAddress',
  lengths: { ContactPersonId: 20, FirstName: 25, MiddleName: 25, LastName: 25 },
}

const PRODUCT_TYPE = ['ProductType', 'EcoResProductType', 'Item Service'] as const
const PRODUCT_SUBTYPE = [
  'ProductSubType',
  'EcoResProductSubtype',
  'Product ProductMaster ProductVariant',
] as const

export const PRODUCT: Described = {
  string: `ProductNumber ProductName ProductSearchName ProductDescription ProductDimensionGroupName
    StorageDimensionGroupName TrackingDimensionGroupName RetailProductCategoryName
    ProductColorGroupId ProductSizeGroupId ProductStyleGroupId STCCCode HarmonizedSystemCode NMFCCode
    ProductVariantNameNomenclatureName ProductVariantNumberNomenclatureName EngChgProductOwnerId`,
  integer: 'WarrantyDurationTime',
  noYes: `IsCatchWeightProduct AreIdenticalConfigurationsAllowed IsAutomaticVariantGenerationEnabled
    IsProductVariantUnitConversionEnabled IsProductKit`,
  enums: [PRODUCT_TYPE, PRODUCT_SUBTYPE],
  lengths: { ProductNumber: 70, ProductName: 60, ProductSearchName: 20 },
}

export const RELEASED_PRODUCT: Described = {
  string: `ItemNumber ProductNumber ProductSearchName SearchName ProductGroupId ItemModelGroupId
    StorageDimensionGroupName TrackingDimensionGroupName ProductDimensionGroupName
    InventoryReservationHierarchyName AlternativeItemNumber BatchNumberGroupCode
    CostCalculationGroupId BOMUnitSymbol CommissionProductGroupId CostGroupId BuyerGroupId
    FreightAllocationGroupId SalesRebateProductGroupId PlanningFormulaItemNumber
    PrimaryVendorAccountNumber ProductionGroupId ProductionPoolId ProjectCategoryId
    ProductCoverageGroupId SerialNumberGroupCode DefaultProductConfigurationId DefaultProductColorId
    DefaultProductSizeId DefaultProductStyleId DefaultProductVersionId PackageClassId
    PackSizeCategoryId PhysicalDimensionGroupId UnitConversionSequenceGroupId CatchWeightUnitSymbol
    DefaultLedgerDimensionDisplayValue BarcodeSetupId ComparisonPriceBaseUnitSymbol
    ProductLifeCycleSeasonCode InventoryUnitSymbol SalesSalesTaxItemGroupCode
    SalesLineDiscountProductGroupCode SalesMultilineDiscountProductGroupCode
    SalesChargeProductGroupId SalesUnitSymbol PurchaseSalesTaxItemGroupCode
    PurchaseLineDiscountProductGroupCode PurchaseUnitSymbol PurchaseChargeProductGroupId
    IntrastatCommodityCode OriginCountryRegionId OriginStateId CustomsImportTariffCode
    CustomsExportTariffCode ProductLifecycleStateId`,
  integer:
    'BOMLevel BestBeforePeriodDays ShelfLifePeriodDays ArrivalHandlingTime WarrantyDurationTime',
  decimal: `GrossDepth GrossProductHeight GrossProductWidth ProductVolume NetProductWeight
    TareProductWeight UnitCost UnitCostQuantity SalesPrice SalesPriceQuantity SalesChargesQuantity
    FixedSalesPriceCharges PurchasePrice PurchasePriceQuantity FixedPurchasePriceCharges
    SalesOverdeliveryPercentage SalesUnderdeliveryPercentage YieldPercentage`,
  date: `SellStartDate SellEndDate ShipStartDate UnitCostDate SalesPriceDate PurchasePriceDate
    ProductLifeCycleValidFromDate ProductLifeCycleValidToDate`,
  noYes: `IsCatchWeightProduct IsPhantom IsSalesPriceAdjustmentAllowed IsRestrictedForCoupons
    IsUnitCostAutomaticallyUpdated IsPurchasePriceAutomaticallyUpdated IsSalesPriceIncludingCharges
    IsIntercompanySalesUsageBlocked IsIntercompanyPurchaseUsageBlocked IsShipAloneEnabled
    IsPOSRegistrationBlocked`,
  enums: [PRODUCT_TYPE, PRODUCT_SUBTYPE],
  readOnly: 'ProductSearchName ProductType ProductSubType',
  lengths: { ItemNumber: 20, SearchName: 20 },
}

const ORDER_ADDRESS = (prefix: string) =>
  words(`City CountryRegionId CountryRegionISOCode CountyId DistrictName StateId Street StreetNumber
    ZipCode PostBox`)
    .map((part) => `${prefix}${part}`)
    .join(' ')

export const SALES_ORDER: Described = {
  string: `SalesOrderNumber SalesOrderName OrderingCustomerAccountNumber InvoiceCustomerAccountNumber
    CurrencyCode ContactPersonId CustomerRequisitionNumber CustomersOrderReference QuotationNumber
    SalesOrderOriginCode SalesOrderPoolId SalesUnitId LanguageId Email URL TaxExemptNumber
    SalesTaxGroupCode PaymentTermsName PaymentScheduleName CustomerPaymentMethodName CashDiscountCode
    CustomerPostingProfileId DeliveryModeCode DeliveryTermsCode DeliveryReasonCode
    DefaultShippingSiteId DefaultShippingWarehouseId OrderTakerPersonnelNumber
    OrderResponsiblePersonnelNumber PriceCustomerGroupCode LineDiscountCustomerGroupCode
    MultilineDiscountCustomerGroupCode TotalDiscountCustomerGroupCode ChargeCustomerGroupId
    CommissionCustomerGroupId CommissionSalesRepresentativeGroupId NumberSequenceGroupId ProjectId
    CampaignId DefaultLedgerDimensionDisplayValue FormattedDelveryAddress FormattedInvoiceAddress
    DeliveryAddressName DeliveryAddressDescription DeliveryAddressLocationId
    ${ORDER_ADDRESS('DeliveryAddress')} ${ORDER_ADDRESS('InvoiceAddress')}`,
  decimal: `OrderTotalAmount OrderTotalTaxAmount OrderTotalDiscountAmount OrderTotalChargesAmount
    OrderHeaderTaxAmount TotalDiscountAmount TotalDiscountPercentage FixedExchangeRate
    ReportingCurrencyFixedExchangeRate`,
  date: `RequestedReceiptDate RequestedShippingDate ConfirmedReceiptDate ConfirmedShippingDate
    PaymentTermsBaseDate FixedDueDate`,
  noYes: `IsSalesProcessingStopped IsOneTimeCustomer ArePricesIncludingSalesTax AreTotalsCalculated
    IsDeliveryAddressPrivate IsDeliveryAddressOrderSpecific IsInvoiceAddressPrivate IsExportSale
    OverrideSalesTax SkipCreateAutoCharges`,
  enums: [
    ['SalesOrderStatus', 'SalesStatus', 'None Backorder Delivered Invoiced Canceled'],
    [
      'SalesOrderProcessingStatus',
      'SalesOrderProcessingStatus',
      'Active Confirmed PackingSlip Invoiced Canceled',
    ],
  ],
  readOnly: `OrderTotalAmount OrderTotalTaxAmount OrderTotalDiscountAmount OrderTotalChargesAmount
    OrderHeaderTaxAmount FormattedDelveryAddress FormattedInvoiceAddress SalesOrderStatus
    SalesOrderProcessingStatus AreTotalsCalculated DeliveryAddressCountryRegionISOCode
    InvoiceAddressCountryRegionISOCode`,
  lengths: { SalesOrderNumber: 20, SalesOrderName: 60, CustomersOrderReference: 60 },
}

export const SALES_INVOICE: Described = {
  string: `InvoiceNumber LedgerVoucher InvoiceCustomerAccountNumber SalesOrderNumber CurrencyCode
    ContactPersonId CustomersOrderReference DeliveryModeCode DeliveryTermsCode PaymentTermsName
    SalesOrderOriginCode SalesOrderResponsiblePersonnelNumber InvoiceAddressStreet
    InvoiceAddressStreetNumber InvoiceAddressZipCode InvoiceAddressCity InvoiceAddressState
    InvoiceAddressCountryRegionId InvoiceAddressCountryRegionISOCode`,
  decimal: `TotalInvoiceAmount TotalTaxAmount InvoiceHeaderTaxAmount TotalChargeAmount
    TotalDiscountAmount TotalDiscountCustomerGroupCode`,
  date: 'InvoiceDate',
}
