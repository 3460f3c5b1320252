import {
  CONTACT,
  CUSTOMER,
  type Described,
  type Field,
  fieldsOf,
  PRODUCT,
  RELEASED_PRODUCT,
  SALES_INVOICE,
  SALES_ORDER,
} from './fields.ts'

/** A public data entity: an updatable view, which OData shows as an entity set. */
export interface Entity {
  /** The name in paths. */
  set: string
  /** The name of its type in `Microsoft.Dynamics.DataEntities`. */
  type: string
  /** The name of the view, which errors of writes show. */
  view: string
  /** The fields of the entity key, in order. All of them are needed to address a record. */
  keys: readonly string[]
  fields: ReadonlyMap<string, Field>
  /** Whether records belong to one legal entity, their `dataAreaId`. */
  perCompany: boolean
  /** Whether OData changes records: posted documents are only read. */
  writable: boolean
}

/**
 * When the record of the main table changed, in whole seconds. No standard entity shows it: an
 * extension of the entity does.
 */
export const CHANGED = 'ModifiedDateTime'
const CREATED = 'OrderCreationDateTime'

const moment = (name: string): Field => ({
  ...{ name, kind: 'moment', enumeration: undefined, readOnly: true, length: 0 },
})
const text = (name: string, length: number): Field => ({
  ...{ name, kind: 'string', enumeration: undefined, readOnly: false, length },
})

function entity(
  set: string,
  names: { type: string; view: string; keys: readonly string[] },
  described: Described,
  extension: readonly Field[],
): Entity {
  const perCompany = names.keys.includes('dataAreaId')
  const fields = new Map<string, Field>()
  if (perCompany) fields.set('dataAreaId', text('dataAreaId', 4))
  for (const [name, field] of fieldsOf(described)) fields.set(name, field)
  for (const field of extension) fields.set(field.name, field)
  return { set, ...names, fields, perCompany, writable: set !== 'SalesInvoiceHeadersV2' }
}

export const ENTITIES: readonly Entity[] = [
  entity(
    'CustomersV3',
    {
      type: 'CustomerV3',
      view: 'CustCustomerV3Entity',
      keys: ['dataAreaId', 'CustomerAccount'],
    },
    CUSTOMER,
    [moment(CHANGED)],
  ),
  entity(
    'ContactPersons',
    {
      type: 'ContactPerson',
      view: 'smmContactPersonEntity',
      keys: ['dataAreaId', 'ContactPersonId'],
    },
    CONTACT,
    [moment(CHANGED)],
  ),
  entity(
    'ProductsV2',
    { type: 'ProductV2', view: 'EcoResProductV2Entity', keys: ['ProductNumber'] },
    PRODUCT,
    [moment(CHANGED)],
  ),
  entity(
    'ReleasedProductsV2',
    {
      type: 'ReleasedProductV2',
      view: 'EcoResReleasedProductV2Entity',
      keys: ['dataAreaId', 'ItemNumber'],
    },
    RELEASED_PRODUCT,
    [moment(CHANGED)],
  ),
  entity(
    'SalesOrderHeadersV2',
    {
      type: 'SalesOrderHeaderV2',
      view: 'SalesOrderHeaderV2Entity',
      keys: ['dataAreaId', 'SalesOrderNumber'],
    },
    SALES_ORDER,
    [moment(CREATED), moment(CHANGED)],
  ),
  entity(
    'SalesInvoiceHeadersV2',
    {
      type: 'SalesInvoiceHeaderV2',
      view: 'SalesInvoiceHeaderV2Entity',
      keys: ['dataAreaId', 'InvoiceNumber', 'InvoiceDate', 'LedgerVoucher'],
    },
    SALES_INVOICE,
    [moment(CHANGED)],
  ),
]

export const entityOf = (set: string): Entity | undefined =>
  ENTITIES.find((entity) => entity.set === set)

export const typeName = ({ type }: Entity) => `Microsoft.Dynamics.DataEntities.${type}`
