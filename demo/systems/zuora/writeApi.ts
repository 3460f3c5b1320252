import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Received, Reply } from '../kit/exchange.ts'
import type { Store } from '../kit/store.ts'
import { CATEGORY, failed } from './errors.ts'
import {
  ACCOUNT,
  type Checks,
  CONTACT,
  Invalid,
  NEW_ACCOUNT,
  need,
  ofAccount,
  PRODUCT,
  readFields,
  STATUS,
} from './fields.ts'

type Fields = Record<string, unknown>

/** Objects of the CRUD resources. Their fields begin with a capital letter. */
const CRUD: ReadonlyMap<
  string,
  { object: string; create: Checks; update: Checks; required: readonly string[] }
> = new Map([
  [
    'account',
    {
      object: 'Account',
      create: new Map([...NEW_ACCOUNT, ['status', STATUS]]),
      update: new Map([...ACCOUNT, ['status', STATUS]]),
      required: ['name', 'currency', 'billCycleDay', 'status'],
    },
  ],
  [
    'contact',
    {
      object: 'Contact',
      create: new Map([...CONTACT, ofAccount]),
      update: CONTACT,
      required: ['accountId', 'firstName', 'lastName', 'country'],
    },
  ],
  [
    'product',
    {
      object: 'Product',
      create: PRODUCT,
      update: PRODUCT,
      required: ['name', 'effectiveStartDate', 'effectiveEndDate'],
    },
  ],
])
const CONTACT_REQUIRED = ['firstName', 'lastName', 'country']

/** Executes a POST or PUT. Returns undefined for a resource that the model has not. */
export function write(store: Store, request: Received): Reply | undefined {
  const { method, path } = request
  const as = <T>(work: () => T) => store.asApi(`${method} ${path}`, work)
  const [, name, key] = /^\/v1\/object\/(account|contact|product)(?:\/([^/]+))?$/.exec(path) ?? []
  if (name !== undefined && (method === 'PUT') === (key !== undefined))
    return crud(() => as(() => writeObject(store, name, key, request)))
  const [, plural, of] = /^\/v1\/(accounts|contacts)(?:\/([^/]+))?$/.exec(path) ?? []
  if (plural === undefined || (method === 'PUT') !== (of !== undefined)) return undefined
  const id = of === undefined ? undefined : decodeURIComponent(of)
  return answered(() =>
    as(() =>
      plural === 'contacts' ? writeContact(store, id, request) : writeAccount(store, id, request),
    ),
  )
}

/** Answers errors of a write as Zuora does: with status 200, and `success: false` in the body. */
function answered(work: () => Fields): Reply {
  try {
    return { status: 200, body: { success: true, ...work() } }
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    const category = error.missing ? CATEGORY.missing : CATEGORY.input
    return { ...failed(200, category, error.message), unknown: error.unknown }
  }
}

/** The CRUD resources have errors of their own form. */
function crud(work: () => Fields): Reply {
  try {
    return { status: 200, body: { Success: true, ...work() } }
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    const Code = error.missing ? 'INVALID_ID' : error.unknown ? 'INVALID_FIELD' : 'INVALID_VALUE'
    const body = { Success: false, Errors: [{ Code, Message: error.message }] }
    return { status: 400, body, unknown: error.unknown }
  }
}

function writeAccount(store: Store, key: string | undefined, request: Received): Fields {
  const { billToContact, soldToContact, ...rest } = bodyOf(request)
  if (key !== undefined) {
    const account = existing(store, 'Account', key, 'accountNumber')
    const fields = readFields(store, rest, ACCOUNT)
    need(fields, ['name'], account)
    for (const [given, at] of [
      [billToContact, account.billToId],
      [soldToContact, account.soldToId],
    ] as const) {
      if (given === undefined) continue
      if (at === undefined) throw new Invalid('billToContact', 'The account has no contact')
      const contact = existing(store, 'Contact', String(at))
      const changed = readFields(store, objectOf(given, 'contact'), CONTACT)
      need(changed, CONTACT_REQUIRED, contact)
      store.put('Contact', { ...changed, id: at })
    }
    store.put('Account', { ...fields, id: account.id })
    return {}
  }
  const fields = readFields(store, rest, NEW_ACCOUNT)
  need(fields, ['name', 'currency', 'billCycleDay'])
  checkNumber(store, fields)
  if (billToContact === undefined)
    throw new Invalid('billToContact', "'billToContact' may not be null")
  const contacts = [billToContact, soldToContact]
    .filter((given) => given !== undefined)
    .map((given) => {
      const contact = readFields(store, objectOf(given, 'contact'), CONTACT)
      need(contact, CONTACT_REQUIRED)
      return contact
    })
  const id = store.put('Account', fields)
  const [billToId, soldToId = billToId] = contacts.map((contact) =>
    store.put('Contact', { ...contact, accountId: id }),
  )
  if (soldToId !== billToId) store.put('Account', { id, billToId, soldToId })
  const { accountNumber } = store.table('Account').get(id)!.record
  return { accountId: id, accountNumber, billToContactId: billToId, soldToContactId: soldToId }
}

function writeContact(store: Store, id: string | undefined, request: Received): Fields {
  const given = bodyOf(request)
  if (id !== undefined) {
    const before = existing(store, 'Contact', id)
    const fields = readFields(store, given, CONTACT)
    need(fields, CONTACT_REQUIRED, before)
    store.put('Contact', { ...fields, id })
    return { id }
  }
  const { accountNumber, ...rest } = given
  const accountId =
    accountNumber === undefined
      ? {}
      : { accountId: existing(store, 'Account', String(accountNumber), 'accountNumber').id }
  const fields = readFields(store, { ...rest, ...accountId }, new Map([...CONTACT, ofAccount]))
  need(fields, ['accountId', ...CONTACT_REQUIRED])
  return { id: store.put('Contact', fields) }
}

function writeObject(
  store: Store,
  name: string,
  id: string | undefined,
  request: Received,
): Fields {
  const { object, create, update, required } = CRUD.get(name)!
  const given: Fields = {}
  for (const [field, value] of Object.entries(bodyOf(request))) {
    if (!/^[A-Z]/.test(field))
      throw new Invalid(field, `invalid field name: ${field}`, { unknown: true })
    setOwn(given, field[0]!.toLowerCase() + field.slice(1), value)
  }
  const before = id === undefined ? undefined : existing(store, object, id)
  const fields = readFields(store, given, before ? update : create)
  need(fields, required, before)
  if (object === 'Account' && !before) checkNumber(store, fields)
  return { Id: store.put(object, { ...fields, ...(before && { id }) }) }
}

function checkNumber(store: Store, { accountNumber }: Fields): void {
  if (accountNumber === undefined) return
  const taken = [...store.table('Account').rows()].some(
    ({ record, deleted }) => !deleted && record.accountNumber === accountNumber,
  )
  if (taken)
    throw new Invalid(
      'accountNumber',
      `The account number ${String(accountNumber)} already exists.`,
    )
}

/** Returns a record by its id or its number. */
function existing(store: Store, object: string, key: string, number?: string): Fields {
  const table = store.table(object)
  const row =
    table.get(key) ??
    (number === undefined
      ? undefined
      : [...table.rows()].find(({ record }) => ownValue(record, number) === key))
  if (row && !row.deleted) return row.record
  throw new Invalid(object, `Cannot find entity by key: '${key}'.`, { missing: true })
}

function bodyOf(request: Received): Fields {
  if (!request.headers['content-type']?.startsWith('application/json'))
    throw new Invalid('content-type', 'The content type must be application/json')
  if ([...request.query.keys()].length > 0)
    throw new Invalid('query', 'The resource has no parameters', { unknown: true })
  try {
    return objectOf(JSON.parse(request.body), 'body')
  } catch (error) {
    if (error instanceof SyntaxError) throw new Invalid('body', 'The body is no JSON')
    throw error
  }
}

function objectOf(value: unknown, name: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new Invalid(name, `'${name}' must be an object`)
}
