import type { Json } from '../../../connectors/connection/row.ts'
import type { Raw, Target, TargetMapping } from '../../../mdm/writeback/target.ts'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Role } from '../../../schema/policy.ts'
import { recordKey } from '../../../schema/recordKey.ts'

/**
 * The mapping of a system whose records have the canonical form, but for countries, which it writes
 * in its own way, and references, which are the ids of its own records.
 */
export function directMapping(
  source: string,
  references: Readonly<Record<string, string>> = {},
  more: Partial<TargetMapping> = {},
): TargetMapping {
  const codes = new Map([
    ['Germany', 'DE'],
    ['Deutschland', 'DE'],
    ['Austria', 'AT'],
  ])
  const map = (_: string, raw: Raw): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(raw).flatMap(([field, value]): [string, unknown][] => {
        if (value === null || value === '') return []
        const object = ownValue(references, field)
        if (object !== undefined) return [[field, recordKey(source, object, String(value))]]
        return [[field, typeof value === 'string' ? (codes.get(value) ?? value) : value]]
      }),
    )
  return {
    map,
    invert(_, field, value, raw, ownIds) {
      const object = ownValue(references, field)
      if (object !== undefined && typeof value === 'string') {
        const [id] = ownIds(source, object, value)
        return id === undefined
          ? {
              refused: {
                code: 'NO_RECORD' as const,
                detail: `${source} has no ${object} for ${field}`,
              },
            }
          : { values: new Map([[field, id]]), also: [] }
      }
      if (field === 'kind') return { refused: { code: 'NO_INVERSE', detail: 'it is a constant' } }
      const isSame = JSON.stringify(map('', raw)[field] ?? null) === JSON.stringify(value ?? null)
      return { values: new Map(isSame ? [] : [[field, value as Json]]), also: [] }
    },
    abilityOf: () => ({
      ...{ goldenId: null, given: {}, needs: ['name'] },
      ...{ empties: true, refusalOf: () => null },
    }),
    ...more,
  }
}

export function directTarget(source: string, role: Role, more: Partial<Target> = {}): Target {
  return {
    source,
    role,
    mode: 'ON',
    types: new Map([
      [
        'Customer',
        {
          objects: ['Customer'],
          update: ['name', 'legalName', 'currency', 'paymentTerms', 'taxIds', 'kind'],
          createFields: ['name', 'legalName', 'currency', 'paymentTerms', 'taxIds', 'kind'],
          createWhen: new Map([['lifecycle', ['CUSTOMER']]]),
        },
      ],
      [
        'Contact',
        {
          objects: ['Contact'],
          update: ['name', 'customer'],
          createFields: ['name', 'customer'],
          createWhen: new Map(),
        },
      ],
    ]),
    limits: { perMinute: 6_000, perDay: 100_000, changedRecordsMax: 100 },
    mapping: directMapping(source, { customer: 'Customer' }),
    replacesGoldenIds: false,
    version: 'v1',
    ...more,
  }
}
