import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { totalOrder } from '../../../mdm/db/keyset.ts'
import { canonicalLocale, setUpNameOrder } from '../../../mdm/db/nameOrder.ts'
import { cursorOf, type Keyed, listPage } from '../../../mdm/db/page.ts'
import { type GoldenRow, goldenListing } from '../../../mdm/golden/read/list.ts'
import { goldenFields } from '../../../mdm/golden/read/listField.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { policy } from '../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  const names = [...NAMES].sort()
  await db.sql`
    insert into golden (id, type, version, state, values, provenance, policy_version, position, created_at, updated_at)
    select gen_random_uuid(), 'Customer', 1, 'ACTIVE', jsonb_build_object('name', name), '{}', 'p', 1, now(), now()
    from unnest(${names}::text[]) as n (name)`
})
after(async () => await db?.drop())

/**
 * German, French, Polish, Swedish, Spanish, Turkish, Czech, Greek, Russian, Hebrew, Arabic,
 * Japanese and Chinese names in the root order of Unicode. Postgres with any version of ICU sorts
 * them so: this file runs on the embedded Postgres and on one of the system.
 */
const NAMES = [
  ...['Ångström Verktyg', 'apfelhof Jensen', 'Apotheke am Markt', 'Äppelgården', 'Ärztehaus Süd'],
  ...['Bäckerei Öztürk', 'Backhaus Nord', 'Ça Va Bistro', 'Canada Mills', 'Cañada Verde'],
  ...['Čapek a syn', 'Casa Lupo', 'Çelik Makina', 'Charvát', 'Chleba', 'Citron', 'Dvořák'],
  ...['eBay Händler', 'Eclair & Fils', 'Éclair Paris', 'Elan', 'Grösser AG', 'Größer Bau'],
  ...['Grosser Hof', 'Hradec', 'Isik', 'Işık Elektrik', 'Izba', 'İzmir Gıda', 'L’Étoile'],
  ...['Lodz Port', 'Łódź Stal', 'Lüneburg', 'Luneville', 'Mueller', 'Müller', 'Muller Frères'],
  ...['Nandina', 'Ñandú SL', 'Öl und Gas', 'Ostsee', 'Özdemir', 'Pâtisserie Cote'],
  ...['Pâtisserie Coté', 'Pâtisserie Côte', 'Pâtisserie Côté', 'Šafařík', 'Safran', 'Skoda'],
  ...['Škoda', 'Śląsk Energia', 'Smörgås', 'Strasse', 'Strasse 12', 'Straße 5', 'Übermut'],
  ...['Uhland', 'Væksthus', 'Weiss', 'Weiß', 'Żabka', 'zebra', 'Źródło', 'Zürich Haus'],
  ...['Αθήνα', 'Άλφα', 'Ωμέγα', 'Борис', 'Елена', 'Ёлка', 'Ельник', 'Ива', 'Йод', 'Яна'],
  ...[
    'תל אביב',
    'أحمد',
    'خالد',
    'あさひ',
    'アサヒ',
    'がいど',
    'ガイド',
    'カメラ',
    'さくら',
    '东方',
    '中国',
  ],
]

const customer = policy.type('Customer')
const name = goldenFields(policy, customer).find((f) => f.name === 'name')?.sort
assert.ok(name)
const listing = goldenListing('Customer')

type Row = Keyed<GoldenRow>
const nameOf = (row: Row) => String(row.values.name)

async function names(descending = false): Promise<string[]> {
  const order = totalOrder([{ column: name as never, descending }], listing.unique)
  const request = { order, limit: 500, backward: false }
  return (await listPage<GoldenRow>(db.sql, listing, request)).rows.map(nameOf)
}

test('names sort as people sort, in many languages, in both directions', async () => {
  assert.deepEqual(await names(), NAMES)
  assert.deepEqual(await names(true), NAMES.toReversed())
})

test('pages follow the order of names, forwards and backwards', async () => {
  for (const backward of [false, true]) {
    const order = totalOrder([{ column: name as never, descending: false }], listing.unique)
    const seen: string[] = []
    let cursor: string | undefined
    for (;;) {
      const at = backward ? { before: cursor } : { after: cursor }
      const page = await listPage<GoldenRow>(db.sql, listing, { order, limit: 7, backward, ...at })
      if (backward) seen.unshift(...page.rows.map(nameOf))
      else seen.push(...page.rows.map(nameOf))
      const edge = backward ? page.rows[0] : page.rows.at(-1)
      if (!edge || !(backward ? page.hasPreviousPage : page.hasNextPage)) break
      cursor = cursorOf(order, edge as Row)
    }
    assert.deepEqual(seen, NAMES)
  }
})

test('a page after a name is read from the index over names', async () => {
  await db.sql.begin(async (tx) => {
    await tx`set local enable_seqscan = off`
    await tx`set local enable_sort = off`
    const plan = await tx.unsafe<{ 'QUERY PLAN': string }[]>(`explain select g.id from golden g
      where ${listing.where} and (${name?.sql}, g.id) > ('Lodz', '00000000-0000-0000-0000-000000000000')
      order by ${name?.sql}, g.id limit 5`)
    const text = plan.map((r) => r['QUERY PLAN']).join('\n')
    assert.match(text, /Index.* using golden_name/)
    assert.match(text, /Index Cond: .*ROW/)
  })
})

test('names sort by the locale of the installation, and the index follows', async () => {
  assert.equal(await setUpNameOrder(db.sql, 'und'), null, 'nothing changes')
  const changed = await setUpNameOrder(db.sql, 'sv')
  assert.equal(changed?.locale, 'sv')
  assert.equal(changed?.before.locale, 'und')
  const latin = (await names()).filter((n) => /^\p{Script=Latin}/u.test(n))
  assert.deepEqual(latin.slice(-6), [
    'Zürich Haus',
    'Ångström Verktyg',
    'Äppelgården',
    'Ärztehaus Süd',
    'Öl und Gas',
    'Özdemir',
  ])
  assert.equal(await setUpNameOrder(db.sql, 'sv'), null)
  const [index] = await db.sql<{ n: number }[]>`
    select count(*)::int as n from pg_index i join pg_class c on c.oid = i.indexrelid
    where c.relname = 'golden_name' and i.indcollation::text like '%' || 'by_name'::regcollation::oid || '%'`
  assert.equal(index?.n, 1)

  // The server has another version of ICU than the one that built the index.
  await db.sql`update name_order set version = '1.0'`
  assert.equal((await setUpNameOrder(db.sql, 'sv'))?.before.version, '1.0')
  await setUpNameOrder(db.sql, 'und')
  assert.deepEqual(await names(), NAMES)
})

test('a locale is one that ICU can sort by', () => {
  assert.deepEqual(
    ['und', 'sv', 'DE-u-co-phonebk', 'de_DE', 'xx', 'klingon', "sv'; drop table golden", ''].map(
      canonicalLocale,
    ),
    ['und', 'sv', 'de-u-co-phonebk', null, null, null, null, null],
  )
})
