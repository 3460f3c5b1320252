import type { Sql } from './database.ts'

/** The locale of installations that name none: the root order of Unicode. */
export const ROOT_LOCALE = 'und'

/** Its oid changes with the locale, so statements with parameters name it by a parameter. */
const COLLATION = 'by_name'

/**
 * Returns the SQL of a text that sorts as people sort: letters first, marks and case only between
 * equal letters.
 */
export function byName(text: string): string {
  return `(${text} collate by_name)`
}

/**
 * Returns the canonical form of a locale, or null if ICU has no order for it. ICU itself would sort
 * an unknown locale by the root order without an error.
 */
export function canonicalLocale(text: string): string | null {
  try {
    const [locale = ''] = Intl.getCanonicalLocales(text)
    if (locale === ROOT_LOCALE) return locale
    return Intl.Collator.supportedLocalesOf(locale)[0] ?? null
  } catch (e) {
    if (e instanceof RangeError) return null
    throw e
  }
}

/** Why the order of names was set up again. */
export interface NameOrderChange {
  locale: string
  /** The locale and the version of the collation before. */
  before: { locale: string; version: string | null }
  version: string | null
}

/**
 * Makes the database sort names by a canonical locale. Returns null if it does so already.
 * Otherwise the index over names is built again, which blocks ingest and reads of golden records
 * for about a minute a ten million of them. The same happens when the server has another version of
 * ICU: an index that another version built is no longer in order.
 */
export async function setUpNameOrder(sql: Sql, locale: string): Promise<NameOrderChange | null> {
  return (await sql.begin(async (tx) => {
    await tx`set local statement_timeout = 0`
    await tx`select pg_advisory_xact_lock(hashtext('touchstone name order'))`
    const actual = async () =>
      (
        await tx<{ version: string | null }[]>`
          select pg_collation_actual_version(to_regcollation(${COLLATION})) as version`
      )[0]?.version ?? null
    const [before] = await tx<{ locale: string; version: string | null }[]>`
      select locale, version from name_order`
    if (!before) throw new Error('name_order has no row: the migrations have not run')
    if (before.locale === locale && before.version === (await actual())) return null
    await tx`drop index golden_name`
    await tx`drop collation by_name`
    await tx.unsafe(`create collation by_name (provider = icu, locale = '${quoted(locale)}')`)
    await tx`create index golden_name on golden (type, ((values ->> 'name') collate by_name), id) where state = 'ACTIVE'`
    const version = await actual()
    await tx`update name_order set locale = ${locale}, version = ${version}`
    return { locale, before, version }
  })) as NameOrderChange | null
}

/** Locales are part of the statement's text, so nothing but letters, digits and hyphens passes. */
function quoted(locale: string): string {
  if (!/^[A-Za-z0-9-]+$/.test(locale)) throw new Error(`"${locale}" is not a locale`)
  return locale
}
