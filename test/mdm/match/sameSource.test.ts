import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from 'graphql'
import { matchBatch } from '../../../mdm/match/batch.ts'
import type { MatchRecord } from '../../../mdm/match/engine.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'
import { waterfall } from '../../../mdm/match/waterfall.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'

const [type] = parsePolicy([
  new Source('type Product @golden { id: ID!  name: String @compare(as: PRODUCT_NAME) }'),
]).types
assert.ok(type)

const words = 'kora belo tami suno refa gilo venu paxo dore lisa mako nivu'.split(' ')

/**
 * Returns products of two shops. Every seventh has a variant of nearly the same name; with `twice`,
 * a shop lists every fourth twice.
 */
function shops(twice: boolean): MatchRecord[] {
  const random = createSeededRandom(5)
  const word = () => words[Math.floor(random() * words.length)] + String(Math.floor(random() * 90))
  const records: MatchRecord[] = []
  const add = (source: string, id: string, name: string) =>
    records.push({ key: `${source}/${id}`, source, fields: { name } })
  for (let n = 0; n < 600; n++) {
    const name = `${word()} ${word()} ${word()}`
    add('left', `${n}`, name)
    add('right', `${n}`, name)
    if (n % 7 === 0) add('left', `${n}-sister`, `${name} ${words[n % words.length]}`)
    if (twice && n % 4 === 0)
      for (const source of ['left', 'right']) add(source, `${n}-again`, name)
  }
  return records
}

test('if sources rarely have duplicates, two records of one source lose weight, and the waterfall shows it', () => {
  const { engine, features, records } = matchBatch(type, shops(false))
  assert.ok(engine.parameters.sameSourceWeight < -1, `${engine.parameters.sameSourceWeight} bits`)
  const at = (key: string) => features.at(records.findIndex((r) => r.key === key))
  const across = waterfall(engine.compare(at('left/0'), at('right/0')))
  assert.ok(!across.some((s) => s.kind === 'SOURCE'))
  const within = waterfall(engine.compare(at('left/0'), at('left/0-sister')))
  assert.equal(within.find((s) => s.kind === 'SOURCE')?.weight, engine.parameters.sameSourceWeight)
  assert.equal(within.at(-1)?.total, engine.weight(at('left/0'), at('left/0-sister')))
})

test('if a source has duplicates as often as two sources share a thing, no weight is deducted', () => {
  const one = shops(true).filter((r) => r.source === 'left')
  // One shop under two names: each record is assigned to either at random.
  const random = createSeededRandom(9)
  const mixed = [...shops(true)].map((r) => ({ ...r, source: random() < 0.5 ? 'left' : 'right' }))
  assert.equal(matchBatch(type, mixed).engine.parameters.sameSourceWeight, 0)
  assert.equal(matchBatch(type, one).engine.parameters.sameSourceWeight, 0)
})

const [works] = parsePolicy([
  new Source(
    'type Work @golden { id: ID!  title: String @compare(as: TEXT)  authors: [String!] @compare(as: PERSON_NAME)  venue: String @compare(as: TEXT)  year: String @compare(as: NUMBER) }',
  ),
]).types
assert.ok(works)

/**
 * Returns works of two catalogues that write venues in their own way. A column of one author
 * appears in each issue of a journal: one title, many works. `twice`: share of works that a
 * catalogue lists twice.
 */
function catalogues(seed: number, twice: number): { records: MatchRecord[]; thing: string[] } {
  const random = createSeededRandom(seed)
  const any = (list: readonly string[]) => list[Math.floor(random() * list.length)]!
  const syllables = 'ka lo mi ne ru ta vo si pe do ga hu bri stel mar ton'.split(' ')
  const word = () => any(syllables) + any(syllables) + any(syllables)
  const people = Array.from(
    { length: 200 },
    () => `${any(['Anna', 'Peter', 'Maria', 'John'])} ${word()}`,
  )
  const venues = [
    ['Journal of Fish', 'J. Fish'],
    ['Annals of Clay', 'Ann. Clay'],
  ] as const
  const records: MatchRecord[] = []
  const thing: string[] = []
  const add = (
    name: string,
    fields: { title: string; authors: string[]; year: string },
    venue: readonly [string, string],
  ) => {
    for (const [n, source] of ['left', 'right'].entries())
      for (const copy of random() < twice ? ['', '-again'] : [''])
        if (random() < 0.85 || copy !== '') {
          records.push({
            key: `${source}/${name}${copy}`,
            source,
            fields: { ...fields, venue: venue[n]! },
          })
          thing.push(name)
        }
  }
  const year = () => String(1995 + Math.floor(random() * 9))
  for (let n = 0; n < 300; n++)
    add(
      `work ${n}`,
      {
        title: [word(), word(), 'of', word(), word()].join(' '),
        authors: [any(people), any(people)],
        year: year(),
      },
      venues[n % 2]!,
    )
  for (const [title, author] of [
    ['Letter from the chair', people[0]!],
    ['Book reviews', people[1]!],
    ['Notes', people[2]!],
  ])
    for (let issue = 0; issue < 12; issue++)
      add(
        `${title} ${issue}`,
        { title: title!, authors: [author!], year: String(1995 + (issue % 9)) },
        venues[0]!,
      )
  return { records, thing }
}

/** Returns pairwise precision and recall of the works that have a title of their own. */
function measured({ records, thing }: ReturnType<typeof catalogues>): {
  precision: number
  recall: number
} {
  const thingOf = new Map(records.map(({ key }, i) => [key, thing[i]!]))
  const result = matchBatch(works!, [...records])
  let [found, real, both] = [0, 0, 0]
  for (const [i, a] of result.records.entries())
    for (const [j, b] of result.records.entries()) {
      if (j <= i) continue
      const joined = result.clusterOf[i] === result.clusterOf[j]
      const same = thingOf.get(a.key) === thingOf.get(b.key)
      if (joined) found++
      if (same && thingOf.get(a.key)!.startsWith('work')) real++
      if (same && joined && thingOf.get(a.key)!.startsWith('work')) both++
    }
  return { precision: found === 0 ? 1 : both / found, recall: both / real }
}

test('a column of one title in many issues is mostly apart, if catalogues hold each work once', () => {
  const { precision, recall } = measured(catalogues(1, 0))
  const figures = `precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`
  if (process.env.TOUCHSTONE_SHOW) console.log(figures)
  assert.ok(precision >= 0.85 && recall >= 0.97, figures)
})
