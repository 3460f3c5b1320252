import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import type { ObjectRules, WrittenAt } from '../kit/store.ts'
import { newId } from './ids.ts'
import { type ObjectName, type RecordType, recordTypes } from './objects.ts'
import { complete, InvalidField } from './shapes.ts'
import type { Zone } from './time.ts'
import { drawn, redrawn } from './world.ts'

type RecordFields = Record<string, unknown>

/** What the rules need of the account. */
export interface Account {
  zone: Zone
  ids: Random
  /** Whether a record exists that is not deleted. */
  exists(object: ObjectName, id: string): boolean
  /** The winner of a merge that deletes the organization. */
  mergedInto(id: string): string | undefined
}

export function fieldbookRules(account: Account): ObjectRules[] {
  return recordTypes.map((type) => ({
    name: type.name,
    idField: 'id',
    fields: [...type.fields.keys()],
    weight: { organizations: 6, people: 5, deals: 5 }[type.name],
    newId: () => newId(account.ids, type.idPrefix),
    write: (fields, at) => written(account, type, fields, at),
    erase(record, now) {
      const winner = account.mergedInto(String(record.id))
      const deleted = { ...record, deleted_at: account.zone.write(now) }
      return winner === undefined ? deleted : { ...deleted, merged_into: winner }
    },
    draw: drawn[type.name],
    redraw: redrawn[type.name],
  }))
}

/** Returns the record after a write. Throws `InvalidField`. */
function written(
  account: Account,
  type: RecordType,
  given: RecordFields,
  at: WrittenAt,
): RecordFields {
  const { id, now, before } = at
  const values = [...type.fields].map(([name, shape]) => {
    const isGiven = !before || Object.hasOwn(given, name)
    const value = isGiven ? complete(shape, ownValue(given, name), name) : ownValue(before, name)
    return [name, value] as const
  })
  const record = {
    id,
    revision: Number(before?.revision ?? 0) + 1,
    ...Object.fromEntries(values),
    created_at: before?.created_at ?? account.zone.write(now),
    updated_at: account.zone.write(now),
  }
  checks[type.name](record, account)
  return type.name === 'deals' ? withItemIds(record, before, account) : record
}

/** Rules between the fields of a record and other records. */
const checks: Readonly<Record<ObjectName, (record: RecordFields, account: Account) => void>> = {
  organizations({ tax_registrations: registrations }) {
    const seen = new Set<string>()
    for (const [n, { country, kind }] of (registrations as RecordFields[]).entries()) {
      if (seen.has(`${country} ${kind}`))
        throw new InvalidField(
          'invalid',
          `tax_registrations[${n}]`,
          'There is one for each country and kind',
        )
      seen.add(`${country} ${kind}`)
    }
  },
  people({ organizations }, { exists }) {
    const memberships = organizations as { id: string; primary: boolean }[]
    for (const [n, { id }] of memberships.entries()) {
      const path = `organizations[${n}].id`
      if (!exists('organizations', id))
        throw new InvalidField('unknown_reference', path, 'There is no such organization')
      if (memberships.findIndex((other) => other.id === id) < n)
        throw new InvalidField('invalid', path, 'Each organization comes once')
    }
    if (memberships.filter(({ primary }) => primary).length !== 1)
      throw new InvalidField('invalid', 'organizations', 'Exactly one must be primary')
  },
  deals({ organization_id: id }, { exists }) {
    if (!exists('organizations', String(id)))
      throw new InvalidField(
        'unknown_reference',
        'organization_id',
        'There is no such organization',
      )
  },
}

function withItemIds(
  record: RecordFields,
  before: RecordFields | undefined,
  { ids }: Account,
): RecordFields {
  const known = new Set((before?.line_items as RecordFields[] | undefined)?.map(({ id }) => id))
  const items = (ownValue(record, 'line_items') as RecordFields[]).map((item, n) => {
    if (item.id === null) return { ...item, id: newId(ids, 'li_') }
    // Each id is used once: a list that repeats it would be two items with one name.
    if (!known.delete(item.id))
      throw new InvalidField(
        'unknown_reference',
        `line_items[${n}].id`,
        'The deal has no such line item',
      )
    return item
  })
  return { ...record, line_items: items }
}
