import { LRUCache } from 'lru-cache'
import { normalText } from '../../schema/kit/normalText.ts'
import type { Sql } from '../db/database.ts'
import { openDatabase } from '../db/database.ts'
import { READING_ROLE } from './rowRights.ts'
import { ENTITIES_SETTING, EVERYONE, PLACES_SETTING, UNBOUND } from './rowRightsSql.ts'

/** The configured row rights. */
export interface RowRights {
  /**
   * Values of the region field by region; NONE stands for records without one. Undefined: regions
   * do not restrict.
   */
  regions?: ReadonlyMap<string, readonly string[]> | undefined
  /** True if legal entities restrict. */
  legalEntities: boolean
}

/**
 * The limits in a caller's credentials. `*` in a list means no limit; an undefined list means only
 * what everyone may see.
 */
export interface Bounds {
  regions?: readonly string[] | null | undefined
  legalEntities?: readonly string[] | null | undefined
}

/** Database connections by set of rights, for as many sets as are in use. */
export interface RowReaders {
  /** Returns null if the caller is not restricted. */
  of(bounds: Bounds): Sql | null
  close(): Promise<void>
}

/**
 * Sets of rights with open connections. The least recently used one is closed and opens again on
 * demand.
 */
const setsMax = 12
/**
 * Connections of each set. All sets together use about 50, which the embedded server has room for.
 */
const connectionsMax = 4
const idleSecondsMax = 60

/**
 * Rights are fixed when a connection opens, so no statement runs with another caller's rights or
 * without any. Each set of rights has its own pool: setting them per transaction would cost two
 * more round trips a read.
 */
export function openRowReaders(url: string, rights: RowRights, open = openDatabase): RowReaders {
  const ending = new Set<Promise<void>>()
  const end = (sql: Sql) => {
    const done = sql.end({ timeout: idleSecondsMax }).finally(() => ending.delete(done))
    ending.add(done)
  }
  const pools = new LRUCache<string, Sql>({ max: setsMax, dispose: end })
  return {
    of(bounds) {
      const settings = settingsOf(rights, bounds)
      if (!settings) return null
      const key = JSON.stringify(settings)
      let sql = pools.get(key)
      if (!sql) {
        sql = open(url, {
          name: 'touchstone-reader',
          connectionsMax,
          planCache: 'auto',
          idleSecondsMax,
          settings: {
            role: READING_ROLE,
            [PLACES_SETTING]: literal(settings.places),
            [ENTITIES_SETTING]: literal(settings.entities),
            default_transaction_read_only: true,
          },
        })
        pools.set(key, sql)
      }
      return sql
    },
    async close() {
      pools.clear()
      await Promise.all(ending)
    },
  }
}

/** Returns null if the caller is not restricted. */
export function settingsOf(
  rights: RowRights,
  bounds: Bounds,
): { places: string[]; entities: string[] } | null {
  const { regions } = rights
  const places = regions ? bound(bounds.regions, (r) => regions.get(r) ?? []) : [UNBOUND]
  const entities = rights.legalEntities ? bound(bounds.legalEntities, (e) => [e]) : [UNBOUND]
  return places[0] === UNBOUND && entities[0] === UNBOUND ? null : { places, entities }
}

function bound(
  claim: readonly string[] | null | undefined,
  values: (name: string) => readonly string[],
): string[] {
  // Only alone: beside other words it may be a part of a name that was split at its blanks.
  if (claim?.length === 1 && claim[0] === '*') return [UNBOUND]
  // Golden values are in normal form, so the claims are brought to it, before the reserved word is
  // taken out of them.
  const named = (claim ?? []).flatMap(values).map(normalText)
  return [EVERYONE, ...new Set(named.filter((n) => n !== UNBOUND).toSorted())]
}

function literal(items: readonly string[]): string {
  return `{${items.map((i) => `"${i.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}
