/** How SuiteQL types a column, in Postgres. */
export type ColumnType = 'integer' | 'numeric' | 'text' | 'date' | 'timestamptz'

export interface Column {
  name: string
  type: ColumnType
  /** `T` or `F`. */
  isFlag: boolean
  /** The table whose row a reference names; `BUILTIN.DF` shows the name of that row. */
  target?: string
}

export interface Table {
  name: string
  /** The column that a reference to it shows. */
  display: string
  columns: ReadonlyMap<string, Column>
  /** The types that `deletedrecord` gives to its rows. Absent where deletes leave no trace. */
  deletedAs?: (record: Record<string, unknown>) => string
}

interface Described {
  display?: string
  integer?: string
  /** `column:table`. */
  reference?: string
  numeric?: string
  text?: string
  flag?: string
  date?: string
  time?: string
  deletedAs?: Table['deletedAs']
}

const words = (text = '') => text.split(/\s+/).filter(Boolean)

function table(name: string, described: Described): Table {
  const columns = new Map<string, Column>()
  const add = (names: string | undefined, type: ColumnType, isFlag = false) => {
    for (const text of words(names)) {
      const [column = '', target] = text.split(':')
      columns.set(column, { name: column, type, isFlag, ...(target !== undefined && { target }) })
    }
  }
  add(described.integer, 'integer')
  add(described.reference, 'integer')
  add(described.numeric, 'numeric')
  add(described.text, 'text')
  add(described.flag, 'text', true)
  add(described.date, 'date')
  add(described.time, 'timestamptz')
  return {
    name,
    columns,
    display: described.display ?? 'name',
    ...(described.deletedAs && { deletedAs: described.deletedAs }),
  }
}

const TRANSACTION_TYPES = new Map([
  ['CustInvc', 'invoice'],
  ['CustPymt', 'customerPayment'],
  ['CustCred', 'creditMemo'],
  ['SalesOrd', 'salesOrder'],
  ['Opprtnty', 'opportunity'],
  ['Estimate', 'estimate'],
  ['CustRfnd', 'customerRefund'],
])

/** The tables of SuiteQL that an integration role sees here. */
export const TABLES: readonly Table[] = [
  table('currency', {
    integer: 'id currencyprecision',
    text: 'name symbol displaysymbol',
    numeric: 'exchangerate',
    flag: 'isbasecurrency isinactive',
    time: 'lastmodifieddate',
  }),
  table('subsidiary', {
    integer: 'id',
    reference: 'currency:currency parent:subsidiary',
    text: 'name fullname legalname country',
    flag: 'isinactive iselimination',
    time: 'lastmodifieddate',
  }),
  table('term', { integer: 'id daysuntilnetdue', text: 'name', flag: 'isinactive' }),
  table('account', {
    display: 'accountsearchdisplayname',
    integer: 'id',
    reference: 'parent:account currency:currency',
    text: 'acctnumber fullname accountsearchdisplayname accttype description',
    flag: 'isinactive issummary eliminate',
    time: 'lastmodifieddate',
  }),
  table('accountingperiod', {
    display: 'periodname',
    integer: 'id',
    reference: 'parent:accountingperiod',
    text: 'periodname',
    flag: 'isposting isadjust isquarter isyear closed isinactive',
    date: 'startdate enddate',
    time: 'lastmodifieddate',
  }),
  table('customer', {
    display: 'altname',
    integer: 'id',
    reference: `parent:customer currency:currency terms:term entitystatus:entitystatus
      subsidiary:subsidiary`,
    text: `entityid entitytitle companyname altname salutation firstname middlename lastname email
      altemail phone altphone mobilephone fax url vatregnumber comments externalid accountnumber
      category custentity_registration_no custentity_touchstone_id searchstage`,
    numeric: 'creditlimit balancesearch',
    flag: 'isperson isinactive',
    date: 'startdate enddate firstorderdate',
    time: 'datecreated lastmodifieddate',
    deletedAs: () => 'customer',
  }),
  table('entitystatus', { integer: 'key id', text: 'name entitytype', flag: 'inactive' }),
  table('customersubsidiaryrelationship', {
    integer: 'id',
    reference: 'entity:customer subsidiary:subsidiary',
    text: 'name',
    flag: 'isprimarysub isinactive',
    time: 'lastmodifieddate',
  }),
  table('customeraddressbook', {
    display: 'label',
    integer: 'internalid addressbookaddress',
    reference: 'entity:customer',
    text: 'label',
    flag: 'defaultbilling defaultshipping isresidential',
    time: 'lastmodifieddate',
  }),
  table('customeraddressbookentityaddress', {
    display: 'addressee',
    integer: 'nkey',
    text: 'addressee addr1 addr2 addr3 city state zip country attention addrphone addrtext',
    flag: 'override',
    time: 'lastmodifieddate',
  }),
  table('contact', {
    display: 'entityid',
    integer: 'id',
    reference: 'company:customer subsidiary:subsidiary',
    text: `entityid salutation firstname middlename lastname title email altemail phone mobilephone
      homephone officephone fax externalid comments`,
    flag: 'isinactive isprivate',
    time: 'datecreated lastmodifieddate',
    deletedAs: () => 'contact',
  }),
  table('item', {
    display: 'itemid',
    integer: 'id',
    reference: 'parent:item subsidiary:subsidiary',
    text: `itemid fullname displayname itemtype subtype description purchasedescription
      storedescription upccode mpn manufacturer vendorname externalid`,
    numeric: 'cost averagecost lastpurchaseprice weight',
    flag: 'isinactive isfulfillable isonline',
    time: 'createddate lastmodifieddate',
    deletedAs: ({ itemtype }) => (itemtype === 'Service' ? 'serviceSaleItem' : 'inventoryItem'),
  }),
  table('pricing', {
    integer: 'internalid pricelevel quantity',
    reference: 'item:item currency:currency',
    text: 'pricelevelname',
    numeric: 'unitprice',
  }),
  table('transaction', {
    display: 'tranid',
    integer: 'id number',
    reference: `entity:customer currency:currency terms:term postingperiod:accountingperiod
      entitystatus:entitystatus`,
    text: `tranid transactionnumber trandisplayname type status memo otherrefnum externalid title
      email source approvalstatus recordtype custbody_renewal custbody_touchstone_id`,
    numeric: `total foreigntotal foreignamountpaid foreignamountunpaid exchangerate probability
      projectedtotal custbody_term_months`,
    flag: 'posting voided void isreversal',
    date: 'trandate duedate closedate shipdate startdate enddate expectedclosedate',
    time: 'createddate lastmodifieddate',
    deletedAs: ({ type }) => TRANSACTION_TYPES.get(String(type)) ?? 'transaction',
  }),
  table('transactionline', {
    display: 'memo',
    integer: 'id linesequencenumber uniquekey',
    reference: `transaction:transaction item:item entity:customer subsidiary:subsidiary
      createdfrom:transaction expenseaccount:account`,
    text: 'itemtype memo transactionlinetype rateamount',
    numeric: 'quantity rate netamount foreignamount creditforeignamount debitforeignamount',
    flag: 'mainline taxline isclosed iscogs isbillable donotdisplayline',
    date: 'expectedshipdate',
    time: 'linecreateddate linelastmodifieddate',
  }),
  table('transactionaccountingline', {
    display: 'account',
    integer: 'transactionline accountingbook',
    reference: 'transaction:transaction account:account',
    numeric: 'amount debit credit netamount amountpaid amountunpaid amountlinked exchangerate',
    text: 'accounttype',
    flag: 'posting',
    time: 'lastmodifieddate',
  }),
  table('deletedrecord', {
    integer: 'recordid',
    text: 'name type context deletedby scriptid',
    flag: 'iscustomlist iscustomrecord iscustomtransaction',
    time: 'deleteddate',
  }),
]

export const tableNamed = (name: string): Table => TABLES.find((found) => found.name === name)!
