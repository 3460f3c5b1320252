import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Received, Reply } from '../kit/exchange.ts'
import { BadFilter, comparisons, holds, parseFilter } from '../kit/filter.ts'
import { Query } from '../kit/query.ts'
import type { Store } from '../kit/store.ts'
import { NotUnique, WrongValue } from '../kit/writes.ts'
import {
  CUSTOMER_ROLES,
  checkValue,
  type EntitySet,
  type Fields,
  isKnown,
  SETS,
  setNamed,
  storedText,
} from './entities.ts'
import { refused } from './errors.ts'

const pageRowsMax = 1000
const OPERATORS = ['eq', 'ne', 'gt', 'ge', 'lt', 'le']
/** The entity sets of the service. */
export class Service {
  readonly #store: Store
  /** The address under which the services are. */
  readonly #base: () => string
  #lastAddress = 70_000

  constructor(store: Store, base: () => string) {
    this.#store = store
    this.#base = base
  }

  list(set: EntitySet, request: Received, only: (record: Fields) => boolean = () => true): Reply {
    const query = queryOf(request)
    const top = query.integer('$top', 0, pageRowsMax, pageRowsMax)
    const skip = query.integer('$skip', 0, 1_000_000_000, 0)
    const counts = query.oneOf('$inlinecount', ['allpages', 'none']) === 'allpages'
    const filter = filterOf(set, query.text('$filter'))
    const order = orderOf(set, query.text('$orderby'))
    const show = this.#shown(set, query)
    query.end()
    const rows = this.#store
      .table(set.name)
      .sorted('number')
      .filter(({ deleted, record }) => !deleted && only(record) && filter(record))
      .sort((a, b) => order(a.record, b.record))
    const results = rows.slice(skip, skip + top).map(({ record }) => show(record))
    const count = counts ? { __count: String(rows.length) } : {}
    return { status: 200, body: { d: { ...count, results } } }
  }

  read(set: EntitySet, id: string, request: Received): Reply {
    const query = queryOf(request)
    const show = this.#shown(set, query)
    query.end()
    const record = this.#existing(set, id)
    return { status: 200, headers: { etag: tagOf(set, record) }, body: { d: show(record) } }
  }

  /** Lists what belongs to a partner. */
  listOf(partner: string, navigation: string, request: Received): Reply {
    const set = setNamed(SETS[0]!.navigation.get(navigation) ?? '')
    if (!set)
      throw refused(404, '005056A509B11EE1B9A8FEA8DE87F78E', `no property ${navigation}`, true)
    this.#existing(SETS[0]!, partner)
    return this.list(set, request, (record) => record.BusinessPartner === partner)
  }

  create(set: EntitySet, request: Received, parent: Fields = {}): Reply {
    queryOf(request).end()
    const id = this.#write(request, () => this.#insert(set, bodyOf(request), parent))
    const record = this.#existing(set, id)
    const show = this.#shown(set, queryOf({ ...request, query: new URLSearchParams() }))
    const headers = { etag: tagOf(set, record), location: this.#uri(set, record) }
    return { status: 201, headers, body: { d: show(record) } }
  }

  /** Creates what belongs to an entity, at its navigation. */
  createOf(set: EntitySet, id: string, navigation: string, request: Received): Reply {
    const child = setNamed(set.navigation.get(navigation) ?? '')
    if (!child || child.name === 'A_Customer')
      throw refused(404, '005056A509B11EE1B9A8FEA8DE87F78E', `no property ${navigation}`, true)
    return this.create(child, request, keyOf(this.#existing(set, id)))
  }

  update(set: EntitySet, id: string, request: Received): Reply {
    queryOf(request).end()
    const record = this.#existing(set, id)
    checkTag(set, record, request)
    const fields = this.#fields(set, bodyOf(request))
    const fixed = set.name === 'A_BusinessPartner' ? ['BusinessPartnerCategory'] : []
    if ([...set.keys, ...fixed].some((key) => Object.hasOwn(fields, key)))
      throw refused(400, '/IWBEP/CM_MGW_RT/022', 'A key, or the category, cannot be changed')
    this.#write(request, () => this.#store.put(set.name, { ...fields, id }))
    return { status: 204 }
  }

  remove(set: EntitySet, id: string, request: Received): Reply {
    queryOf(request).end()
    checkTag(set, this.#existing(set, id), request)
    if (!this.#store.deletes(set.name))
      throw refused(405, '/IWFND/CM_MGW/097', `${set.name} cannot be deleted`)
    this.#write(request, () => this.#store.remove(set.name, id))
    return { status: 204 }
  }

  /** Inserts a record below its parent, and what is nested in it. */
  #insert(set: EntitySet, body: Fields, parent: Fields): string {
    const nested: [EntitySet, Fields][] = []
    const own: Fields = {}
    for (const [name, value] of Object.entries(body)) {
      const child = set.navigation.get(name)
      if (typeof child !== 'string') setOwn(own, name, value)
      else for (const one of listOf(name, value)) nested.push([setNamed(child)!, one])
    }
    const fields = this.#fields(set, own)
    if (set.name === 'A_BusinessPartner') {
      if (!['1', '2', '3'].includes(String(fields.BusinessPartnerCategory)))
        throw refused(400, 'R11/137', 'Enter a business partner category')
      if (fields.BusinessPartnerCategory === '2' && !fields.OrganizationBPName1)
        throw refused(400, 'R1/123', 'Enter the name of the organization')
      if (fields.BusinessPartnerCategory === '1' && !fields.LastName)
        throw refused(400, 'R1/124', 'Enter a last name')
    }
    for (const [child, one] of nested) this.#check(child, one)
    const id =
      set.name === 'A_BusinessPartner'
        ? this.#store.put(set.name, fields)
        : this.#insertChild(set, fields, parent)
    const key = keyOf(this.#existing(set, id))
    for (const [child, one] of nested) this.#insert(child, one, key)
    return id
  }

  /** Checks what is nested before anything is stored. */
  #check(set: EntitySet, body: Fields): void {
    const own = Object.entries(body).filter(([name]) => !set.navigation.has(name))
    this.#fields(set, Object.fromEntries(own))
  }

  #insertChild(set: EntitySet, given: Fields, parent: Fields): string {
    const shared = Object.entries(parent).filter(([name]) => set.keys.includes(name))
    const fields: Fields = { ...given, ...Object.fromEntries(shared) }
    if (set.name === 'A_BuPaIdentification' && !fields.BPIdentificationNumber)
      throw refused(400, 'R11/320', 'Enter an identification number')
    const isCommunication = set.keys.includes('OrdinalNumber')
    if (isCommunication) {
      const [address] = this.#of('A_BusinessPartnerAddress', 'AddressID', fields.AddressID)
      if (!address) throw refused(404, '/IWBEP/CM_MGW_RT/004', 'The address does not exist')
    } else this.#existing(SETS[0]!, String(fields.BusinessPartner ?? ''))
    const key: Fields =
      set.name === 'A_BusinessPartnerAddress'
        ? { AddressID: String(++this.#lastAddress) }
        : isCommunication
          ? { Person: '', OrdinalNumber: this.#nextOrdinal(set, fields.AddressID) }
          : {}
    const values = set.keys.map((name) => storedText(name, ownValue({ ...fields, ...key }, name)))
    if (values.includes(undefined))
      throw refused(400, '/IWBEP/CM_MGW_RT/705', 'The key is not complete')
    const id = values.join('/')
    if (this.#store.table(set.name).get(id)?.deleted === false)
      throw refused(400, 'R11/321', 'The identification number exists already')
    return this.#store.put(set.name, { ...fields, id })
  }

  #nextOrdinal(set: EntitySet, address: unknown): string {
    const rows = [...this.#store.table(set.name).sorted('number')]
    return String(1 + rows.filter(({ record }) => record.AddressID === address).length)
  }

  #fields(set: EntitySet, given: Fields): Fields {
    for (const [name, value] of Object.entries(given)) {
      if (!isKnown(set, name))
        throw refused(
          400,
          '/IWBEP/CM_MGW_RT/021',
          `Property ${name} is invalid for entity type ${set.type}`,
          true,
        )
      if (set.readOnly.includes(name))
        throw refused(400, '/IWBEP/CM_MGW_RT/023', `Property ${name} cannot be changed`)
      try {
        checkValue(set, name, value)
      } catch (error) {
        if (!(error instanceof WrongValue)) throw error
        throw refused(400, '/IWBEP/CM_MGW_RT/020', `Property ${name} has an invalid value`)
      }
    }
    return given
  }

  #write<T>({ method, path }: Received, work: () => T): T {
    try {
      return this.#store.asApi(`${method} ${path}`, work)
    } catch (error) {
      if (error instanceof NotUnique) throw refused(400, 'R11/321', error.message)
      throw error
    }
  }

  #existing(set: EntitySet, id: string): Fields {
    const row = this.#store.table(set.name).find(id)
    if (row && !row.deleted) return row.record
    throw refused(404, '/IWBEP/CM_MGW_RT/004', `Resource not found for segment '${set.name}'`)
  }

  #shown(set: EntitySet, query: Query): (record: Fields) => Fields {
    const names = query.text('$select')?.split(',')
    const expand = query.text('$expand')?.split(',') ?? []
    const unknown =
      names?.find((name) => !isKnown(set, name)) ??
      expand.find((path) => !isNavigable(set, path.split('/')))
    if (unknown !== undefined)
      throw refused(400, '/IWBEP/CM_MGW_RT/021', `Property ${unknown} is invalid`, true)
    return (record) => {
      const shown: Fields = { __metadata: this.#metadata(set, record) }
      const all =
        set.name === 'A_BusinessPartner' ? { ...record, ...this.#customer(record) } : record
      for (const [name, value] of Object.entries(all))
        if (!names || names.includes(name)) setOwn(shown, name, value)
      for (const [name, value] of Object.entries(this.#expanded(set, record, expand)))
        setOwn<unknown>(shown, name, value)
      return shown
    }
  }

  /** What `$expand` adds; the parts of a path stand below one another. */
  #expanded(set: EntitySet, record: Fields, paths: readonly string[]): Fields {
    const below = Map.groupBy(paths, (path) => path.split('/')[0]!)
    const added: Fields = {}
    for (const [name, of] of below) {
      const further = of.flatMap((path) => path.split('/').slice(1).join('/') || [])
      const child = set.navigation.get(name)
      if (child === 'A_Customer') {
        const { Customer } = this.#customer(record)
        const none = Object.fromEntries(further.map((path) => [path, { results: [] }]))
        setOwn<unknown>(
          added,
          name,
          Customer ? { Customer, DeletionIndicator: false, ...none } : null,
        )
      } else
        setOwn<unknown>(added, name, { results: this.#children(child ?? null, record, further) })
    }
    return added
  }

  #children(name: string | null, record: Fields, further: readonly string[]): Fields[] {
    const { BusinessPartner, AddressID } = record
    if (name === 'A_BuPaAddressUsage') {
      // The first address of a partner is its standard address.
      const [first] = this.#of('A_BusinessPartnerAddress', 'BusinessPartner', BusinessPartner)
      const usage = { BusinessPartner, AddressID, AddressUsage: 'XXDEFAULT' }
      return first?.AddressID === AddressID ? [usage] : []
    }
    const child = setNamed(name ?? '')
    if (!child) return []
    const [of, value] = child.keys.includes('BusinessPartner')
      ? (['BusinessPartner', BusinessPartner] as const)
      : (['AddressID', AddressID] as const)
    return this.#of(child.name, of, value).map((one) => ({
      __metadata: this.#metadata(child, one),
      ...one,
      ...this.#expanded(child, one, further),
    }))
  }

  #of(name: string, key: 'BusinessPartner' | 'AddressID', value: unknown): Fields[] {
    const rows = this.#store.table(name).sorted('number')
    return rows.flatMap(({ deleted, record }) =>
      !deleted && ownValue(record, key) === value ? [record] : [],
    )
  }

  #customer({ BusinessPartner }: Fields): { Customer: unknown } {
    const roles = this.#of('A_BusinessPartnerRole', 'BusinessPartner', BusinessPartner)
    const isCustomer = roles.some((role) => CUSTOMER_ROLES.has(role.BusinessPartnerRole))
    return { Customer: isCustomer ? BusinessPartner : '' }
  }

  #metadata(set: EntitySet, record: Fields): Fields {
    const uri = this.#uri(set, record)
    return { id: uri, uri, type: `${set.service}.${set.type}`, etag: tagOf(set, record) }
  }

  #uri(set: EntitySet, record: Fields): string {
    const values = set.keys.map((key) => [key, String(ownValue(record, key))] as const)
    const key =
      values.length === 1
        ? `'${values[0]![1]}'`
        : values.map(([name, value]) => `${name}='${value}'`).join(',')
    return `${this.#base()}/${set.service}/${set.name}(${key})`
  }
}

function isNavigable(set: EntitySet, [name = '', ...rest]: readonly string[]): boolean {
  const child = set.navigation.get(name)
  if (child === undefined) return false
  if (rest.length === 0) return true
  if (child === 'A_Customer') return /^to_Customer(Company|SalesArea)$/.test(rest.join('/'))
  const below = setNamed(child ?? '')
  return below !== undefined && isNavigable(below, rest)
}

/** Returns the id of a row that a key in parentheses names; undefined if it is none of the set. */
export function idOf(set: EntitySet, text: string): string | undefined {
  const single = /^'([^']*)'$/.exec(text)
  if (single) return set.keys.length === 1 ? single[1] : undefined
  const given = new Map(
    [...text.matchAll(/(\w+)='([^']*)'/g)].map(([, name, value]) => [name!, value!] as const),
  )
  const parts = set.keys.map((key) => given.get(key))
  if (given.size !== set.keys.length || parts.includes(undefined)) return undefined
  return parts.join('/')
}

function tagOf(set: EntitySet, record: Fields): string {
  if (set.name === 'A_BusinessPartner') return `W/"'${String(record.ETag)}'"`
  const [, changed] = /^\/Date\((\d+)/.exec(String(record.LastChangeDateTime)) ?? []
  if (changed === undefined)
    return `W/"'${Buffer.from(JSON.stringify(record)).toString('base64url').slice(-40)}'"`
  const time = encodeURIComponent(new Date(Number(changed)).toISOString().slice(0, -1))
  return `W/"datetimeoffset'${time}0000Z'"`
}

function checkTag(set: EntitySet, record: Fields, { headers }: Received): void {
  const match = headers['if-match']
  if (match === undefined)
    throw refused(428, '/IWFND/CM_MGW/142', 'Header If-Match is required for the resource')
  if (match !== '*' && match !== tagOf(set, record))
    throw refused(412, '/IWFND/CM_MGW/143', 'Precondition failed')
}

/** The key that what belongs to an entity shares with it. */
function keyOf(record: Fields): Fields {
  const { AddressID, BusinessPartner } = record
  return AddressID === undefined ? { BusinessPartner } : { AddressID, BusinessPartner }
}

const listOf = (name: string, value: unknown): Fields[] => {
  const list: unknown = Array.isArray(value) ? value : (Object(value) as Fields).results
  if (!Array.isArray(list)) throw refused(400, '/IWBEP/CM_MGW_RT/020', `${name} is no list`)
  return list.map((one) => Object(one) as Fields)
}

const queryOf = (request: Received) => {
  const query = new Query(request.query, (name, problem) =>
    refused(400, '/IWBEP/CM_MGW_RT/702', `${name} is ${problem}`, problem === 'unknown'),
  )
  query.oneOf('$format', ['json'])
  return query
}

function bodyOf(request: Received): Fields {
  if (!request.headers['content-type']?.startsWith('application/json'))
    throw refused(415, '/IWBEP/CM_MGW_RT/415', 'The content type must be application/json')
  try {
    const body: unknown = JSON.parse(request.body)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw refused(400, '/IWBEP/CM_MGW_RT/020', 'The body is no JSON object')
}

/** Returns a value as filters and orders compare it: dates as numbers. */
function comparable(value: unknown): number | string {
  const [, ms] = /^\/Date\((\d+)\)\/$/.exec(String(value)) ?? []
  return ms === undefined ? String(value ?? '') : Number(ms)
}

function filterOf(set: EntitySet, text: string | undefined): (record: Fields) => boolean {
  if (text === undefined) return () => true
  try {
    const plain = text.replaceAll(/\b(datetime|time)'([^']*)'/g, "'$1:$2'")
    const filter = parseFilter(plain, { operators: OPERATORS, doubleQuotes: false })
    const wrong = comparisons(filter).find(({ name }) => !isKnown(set, name))
    if (wrong) throw refused(400, '/IWBEP/CM_MGW_RT/021', `Property ${wrong.name} is invalid`, true)
    return (record) =>
      holds(filter, ({ name, operator, value }) => {
        const found = ownValue(record, name) ?? null
        const [, kind, inner = ''] = /^(datetime|time):(.*)$/.exec(value.text) ?? []
        const given =
          kind === 'datetime' ? Date.parse(`${inner}Z`) : kind === 'time' ? inner : value.text
        const actual = comparable(found)
        if (operator === 'eq') return found !== null && actual === given
        if (operator === 'ne') return actual !== given
        if (found === null) return false
        if (operator === 'gt') return actual > given
        if (operator === 'ge') return actual >= given
        return operator === 'lt' ? actual < given : actual <= given
      })
  } catch (error) {
    if (error instanceof BadFilter)
      throw refused(400, '/IWBEP/CM_MGW_RT/703', `$filter: ${error.message}`, true)
    throw error
  }
}

function orderOf(set: EntitySet, text: string | undefined): (a: Fields, b: Fields) => number {
  const parts = (text?.split(',') ?? []).map((part) => {
    const [name = '', direction = 'asc'] = part.trim().split(/\s+/)
    if (!isKnown(set, name) || (direction !== 'asc' && direction !== 'desc'))
      throw refused(400, '/IWBEP/CM_MGW_RT/704', `$orderby: ${part} is invalid`, true)
    return { name, sign: direction === 'asc' ? 1 : -1 }
  })
  return (a, b) => {
    for (const { name, sign } of parts) {
      const [left, right] = [comparable(ownValue(a, name)), comparable(ownValue(b, name))]
      if (left !== right) return left < right ? -sign : sign
    }
    return 0
  }
}
