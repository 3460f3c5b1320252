export type ColumnKind =
  | 'guid'
  | 'string'
  /** A long text: it cannot be ordered. */
  | 'memo'
  | 'integer'
  | 'decimal'
  | 'boolean'
  | 'datetime'
  | 'date'
  /** A choice: a number with a label. */
  | 'choice'
  | 'lookup'

export interface Column {
  /** As requests name it: `_ownerid_value` for the lookup `ownerid`. */
  name: string
  kind: ColumnKind
  /** Set by Dataverse alone. */
  readOnly: boolean
}

export interface Table {
  /** The name in paths, in the plural. */
  set: string
  /** The name of the type. */
  logical: string
  idColumn: string
  /** The column that a lookup to it shows. */
  nameColumn: string
  columns: ReadonlyMap<string, Column>
}

type Described = Partial<Record<Exclude<ColumnKind, 'guid'>, string>> & {
  logical: string
  name: string
}

const words = (text = '') => text.split(/\s+/).filter(Boolean)
const KINDS = [
  'string',
  'memo',
  'integer',
  'decimal',
  'boolean',
  'datetime',
  'date',
  'choice',
] as const

function table(set: string, described: Described): Table {
  const columns = new Map<string, Column>()
  const add = (name: string, kind: ColumnKind, readOnly = false) =>
    columns.set(name, { name, kind, readOnly })
  const idColumn = `${described.logical}id`
  add(idColumn, 'guid', true)
  for (const kind of KINDS) for (const name of words(described[kind])) add(name, kind)
  add('statecode', 'choice')
  add('statuscode', 'choice')
  for (const name of words(described.lookup)) add(`_${name}_value`, 'lookup')
  for (const name of ['createdon', 'modifiedon']) add(name, 'datetime', true)
  for (const name of ['createdby', 'modifiedby']) add(`_${name}_value`, 'lookup', true)
  add('versionnumber', 'integer', true)
  add('importsequencenumber', 'integer')
  add('overriddencreatedon', 'datetime')
  return { set, logical: described.logical, idColumn, nameColumn: described.name, columns }
}

const ADDRESS = (prefix: string) =>
  words('line1 line2 line3 city stateorprovince postalcode country')
    .map((part) => `${prefix}_${part}`)
    .join(' ')

const MONEY = `totalamount totallineitemamount totaltax discountamount discountpercentage
  freightamount totaldiscountamount totalamountlessfreight exchangerate`
const OWNER = 'ownerid owninguser transactioncurrencyid'

/** Change tracking is on for all of them. */
export const TABLES: readonly Table[] = [
  table('transactioncurrencies', {
    logical: 'transactioncurrency',
    name: 'currencyname',
    string: 'isocurrencycode currencyname currencysymbol',
    integer: 'currencyprecision',
    decimal: 'exchangerate',
  }),
  table('systemusers', {
    logical: 'systemuser',
    name: 'fullname',
    string: 'fullname firstname lastname internalemailaddress domainname title mobilephone',
    boolean: 'isdisabled',
    choice: 'accessmode',
    lookup: 'businessunitid parentsystemuserid',
  }),
  table('pricelevels', {
    logical: 'pricelevel',
    name: 'name',
    string: 'name',
    memo: 'description',
    date: 'begindate enddate',
    choice: 'paymentmethodcode',
    lookup: 'transactioncurrencyid',
  }),
  table('accounts', {
    logical: 'account',
    name: 'name',
    string: `name accountnumber telephone1 telephone2 telephone3 fax websiteurl emailaddress1
      emailaddress2 emailaddress3 tickersymbol stockexchange sic ${ADDRESS('address1')}
      ${ADDRESS('address2')} address1_name address1_county address2_name yominame
      touchstone_id tst_vatnumber tst_registrationnumber`,
    memo: 'description address1_composite address2_composite',
    integer: 'numberofemployees sharesoutstanding opendeals onholdtime',
    decimal: `revenue revenue_base creditlimit creditlimit_base marketcap exchangerate openrevenue
      aging30 aging60 aging90`,
    boolean: `merged creditonhold donotemail donotphone donotfax donotpostalmail donotbulkemail
      followemail marketingonly participatesinworkflow`,
    datetime: 'lastonholdtime lastusedincampaign',
    choice: `customertypecode industrycode accountcategorycode accountratingcode
      accountclassificationcode businesstypecode customersizecode ownershipcode
      paymenttermscode territorycode shippingmethodcode preferredcontactmethodcode
      address1_addresstypecode address1_freighttermscode`,
    lookup: `${OWNER} parentaccountid primarycontactid masterid originatingleadid defaultpricelevelid
      territoryid owningbusinessunit`,
  }),
  table('contacts', {
    logical: 'contact',
    name: 'fullname',
    string: `fullname firstname middlename lastname nickname salutation suffix jobtitle department
      emailaddress1 emailaddress2 emailaddress3 telephone1 telephone2 mobilephone fax
      websiteurl governmentid managername assistantname ${ADDRESS('address1')}
      ${ADDRESS('address2')} employeeid externaluseridentifier touchstone_id`,
    memo: 'description address1_composite',
    decimal: 'annualincome creditlimit exchangerate',
    boolean: 'merged donotemail donotphone donotbulkemail creditonhold followemail',
    date: 'birthdate anniversary',
    choice: `gendercode familystatuscode customertypecode accountrolecode paymenttermscode
      preferredcontactmethodcode leadsourcecode`,
    lookup: `${OWNER} parentcustomerid masterid originatingleadid accountid`,
  }),
  table('leads', {
    logical: 'lead',
    name: 'fullname',
    string: `fullname firstname lastname subject companyname jobtitle emailaddress1 telephone1
      mobilephone websiteurl ${ADDRESS('address1')} sic touchstone_id`,
    memo: 'description',
    integer: 'numberofemployees',
    decimal: 'revenue budgetamount estimatedamount exchangerate',
    boolean: 'merged decisionmaker donotemail',
    date: 'estimatedclosedate',
    choice: 'leadsourcecode leadqualitycode industrycode prioritycode purchaseprocess salesstage',
    lookup: `${OWNER} parentaccountid parentcontactid qualifyingopportunityid masterid customerid`,
  }),
  table('products', {
    logical: 'product',
    name: 'name',
    string: `name productnumber vendorid vendorname vendorpartnumber suppliername producturl size
      hierarchypath touchstone_id`,
    memo: 'description',
    integer: 'quantitydecimal',
    decimal: `price price_base standardcost currentcost quantityonhand stockvolume stockweight
      exchangerate`,
    boolean: 'iskit isstockitem',
    datetime: 'validfromdate validtodate',
    choice: 'productstructure producttypecode',
    lookup: `transactioncurrencyid defaultuomid defaultuomscheduleid pricelevelid parentproductid
      subjectid`,
  }),
  table('productpricelevels', {
    logical: 'productpricelevel',
    name: 'productnumber',
    string: 'productnumber',
    decimal: 'amount amount_base percentage exchangerate roundingoptionamount',
    choice: 'pricingmethodcode quantitysellingcode roundingpolicycode roundingoptioncode',
    lookup: 'productid pricelevelid uomid uomscheduleid transactioncurrencyid discounttypeid',
  }),
  table('opportunities', {
    logical: 'opportunity',
    name: 'name',
    string: 'name stepname emailaddress touchstone_id',
    memo: 'description customerneed proposedsolution currentsituation',
    integer: 'closeprobability',
    decimal: `estimatedvalue estimatedvalue_base actualvalue actualvalue_base budgetamount ${MONEY}`,
    boolean: 'decisionmaker isrevenuesystemcalculated participatesinworkflow pursuitdecision',
    date: 'estimatedclosedate actualclosedate finaldecisiondate',
    choice: `salesstage salesstagecode opportunityratingcode prioritycode purchaseprocess
      purchasetimeframe budgetstatus need timeline msdyn_forecastcategory pricingerrorcode`,
    lookup: `${OWNER} customerid parentaccountid parentcontactid pricelevelid originatingleadid
      campaignid`,
  }),
  table('opportunityproducts', {
    logical: 'opportunityproduct',
    name: 'opportunityproductname',
    string: 'opportunityproductname productdescription productname',
    memo: 'description',
    integer: 'lineitemnumber sequencenumber',
    decimal: `quantity priceperunit baseamount extendedamount manualdiscountamount
      volumediscountamount tax exchangerate`,
    boolean: 'isproductoverridden ispriceoverridden',
    choice: 'pricingerrorcode producttypecode propertyconfigurationstatus skippricecalculation',
    lookup: `${OWNER} opportunityid productid uomid`,
  }),
  table('quotes', {
    logical: 'quote',
    name: 'name',
    string: `name quotenumber billto_name billto_contactname ${ADDRESS('billto')}
      ${ADDRESS('shipto')} emailaddress`,
    memo: 'description',
    integer: 'revisionnumber',
    decimal: MONEY,
    datetime: 'effectivefrom effectiveto expireson closedon requestdeliveryby',
    choice: 'paymenttermscode freighttermscode shippingmethodcode pricingerrorcode',
    lookup: `${OWNER} customerid opportunityid pricelevelid`,
  }),
  table('quotedetails', {
    logical: 'quotedetail',
    name: 'quotedetailname',
    string: 'quotedetailname productdescription productname',
    memo: 'description',
    integer: 'lineitemnumber sequencenumber',
    decimal: `quantity priceperunit baseamount extendedamount manualdiscountamount tax
      exchangerate`,
    boolean: 'isproductoverridden ispriceoverridden',
    datetime: 'requestdeliveryby',
    choice: 'pricingerrorcode producttypecode',
    lookup: `${OWNER} quoteid productid uomid`,
  }),
  table('salesorders', {
    logical: 'salesorder',
    name: 'name',
    string: `name ordernumber billto_name billto_contactname ${ADDRESS('billto')}
      ${ADDRESS('shipto')} emailaddress shipto_name`,
    memo: 'description',
    decimal: MONEY,
    boolean: 'ispricelocked willcall',
    datetime: 'submitdate datefulfilled requestdeliveryby lastbackofficesubmit',
    choice: 'paymenttermscode freighttermscode shippingmethodcode prioritycode pricingerrorcode',
    lookup: `${OWNER} customerid opportunityid quoteid pricelevelid`,
  }),
  table('salesorderdetails', {
    logical: 'salesorderdetail',
    name: 'salesorderdetailname',
    string: 'salesorderdetailname productdescription productname',
    memo: 'description',
    integer: 'lineitemnumber sequencenumber',
    decimal: `quantity priceperunit baseamount extendedamount manualdiscountamount tax
      quantityshipped quantitybackordered exchangerate`,
    boolean: 'isproductoverridden ispriceoverridden willcall',
    datetime: 'requestdeliveryby',
    choice: 'pricingerrorcode producttypecode',
    lookup: `${OWNER} salesorderid productid uomid`,
  }),
  table('invoices', {
    logical: 'invoice',
    name: 'name',
    string: `name invoicenumber billto_name ${ADDRESS('billto')} ${ADDRESS('shipto')} emailaddress`,
    memo: 'description',
    decimal: MONEY,
    boolean: 'ispricelocked willcall',
    datetime: 'datedelivered lastbackofficesubmit',
    date: 'duedate',
    choice: 'paymenttermscode shippingmethodcode prioritycode pricingerrorcode',
    lookup: `${OWNER} customerid opportunityid salesorderid pricelevelid`,
  }),
  table('invoicedetails', {
    logical: 'invoicedetail',
    name: 'invoicedetailname',
    string: 'invoicedetailname productdescription productname shippingtrackingnumber',
    memo: 'description',
    integer: 'lineitemnumber sequencenumber',
    decimal: `quantity priceperunit baseamount extendedamount manualdiscountamount tax
      exchangerate`,
    boolean: 'isproductoverridden ispriceoverridden',
    datetime: 'actualdeliveryon',
    choice: 'pricingerrorcode producttypecode',
    lookup: `${OWNER} invoiceid productid uomid salesorderdetailid`,
  }),
  table('contracts', {
    logical: 'contract',
    name: 'title',
    string: 'title contractnumber emailaddress',
    memo: 'contractlanguage',
    integer: 'duration',
    decimal: 'netprice netprice_base totalprice totalprice_base totaldiscount exchangerate',
    boolean: 'usediscountaspercentage',
    date: 'activeon expireson billingstarton billingendon cancelon',
    choice: 'billingfrequencycode contractservicelevelcode allotmenttypecode',
    lookup: `${OWNER} customerid accountid contactid billingcustomerid originatingcontract
      contracttemplateid`,
  }),
  table('entitlements', {
    logical: 'entitlement',
    name: 'name',
    string: 'name',
    memo: 'description',
    decimal: 'totalterms remainingterms exchangerate',
    boolean: 'isdefault restrictcasecreation',
    date: 'startdate enddate',
    choice: 'allocationtypecode decreaseremainingon entitytype kbaccesslevel',
    lookup: `${OWNER} customerid accountid contactid slaid entitlementtemplateid`,
  }),
]

const bySet = new Map(TABLES.map((found) => [found.set, found]))
export const findTable = (set: string): Table | undefined => bySet.get(set)

/** A custom column with an alternate key, on the tables that have it. */
export const GOLDEN_ID = 'touchstone_id'
export const hasGoldenId = ({ columns }: Table): boolean => columns.has(GOLDEN_ID)

/** Labels of choices, by column, or by table and column. The other ones are shown as numbers. */
const LABELS: ReadonlyMap<string, readonly string[]> = new Map([
  ['statecode', ['Active', 'Inactive']],
  ['product statecode', ['Active', 'Retired', 'Draft', 'Under Revision']],
  ['lead statecode', ['Open', 'Qualified', 'Disqualified']],
  ['opportunity statecode', ['Open', 'Won', 'Lost']],
  ['quote statecode', ['Draft', 'Active', 'Won', 'Closed']],
  ['salesorder statecode', ['Active', 'Submitted', 'Canceled', 'Fulfilled', 'Invoiced']],
  ['invoice statecode', ['Active', 'Closed', 'Paid', 'Canceled']],
  ['contract statecode', ['Draft', 'Invoiced', 'Active', 'On Hold', 'Canceled', 'Expired']],
  ['entitlement statecode', ['Draft', 'Active', 'Cancelled', 'Expired', 'Waiting']],
  ['paymenttermscode', ['', 'Net 30', '2% 10, Net 30', 'Net 45', 'Net 60']],
  ['customertypecode', ['', 'Competitor', 'Consultant', 'Customer', 'Investor', 'Partner']],
])

export function labelOf(table: Table, column: string, value: number): string {
  const labels = LABELS.get(`${table.logical} ${column}`) ?? LABELS.get(column)
  return labels?.[value] || String(value)
}

/** Returns the values that a choice accepts; undefined if the model does not know them. */
export function choicesOf(table: Table, column: string): number[] | undefined {
  const labels = LABELS.get(`${table.logical} ${column}`) ?? LABELS.get(column)
  return labels?.flatMap((label, value) => (label === '' ? [] : [value]))
}
