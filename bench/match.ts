/**
 * Measures `touchstone match` end to end on generated persons, training included. For the first
 * size it also compares pairs a second with DuckDB's own jaro_winkler_similarity on the same pairs
 * (after npm install --prefix bench/peers).
 *
 * npm run bench -- match [records ...]
 * 50000 1000000 by default; limits: 50 k in 15 s, 1 M in 240 s, 6 GB.
 *
 * npm run bench -- match --one-phone 50000 100000 200000
 * All with one phone number and one email address: never quadratic.
 */
import { execFile } from 'node:child_process'
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { promisify } from 'node:util'
import { Source } from 'graphql'
import { prepareBatch } from '../mdm/match/batch.ts'
import type { MatchRecord } from '../mdm/match/engine.ts'
import { priorParameters } from '../mdm/match/parameters.ts'
import { forEachCandidate } from '../mdm/match/postings.ts'
import { createSeededRandom } from '../mdm/match/random.ts'
import { parsePolicy } from '../schema/readPolicy.ts'
import { duckdbPairsPerSecond } from './peers/duckdb.ts'

const SYLLABLES =
  'ba be bi bo da de di do fa fe ga go ha he ja ka ke ki la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve vi wa we za zo'.split(
    ' ',
  )
const GIVEN =
  'james mary john anna michael sarah david emma daniel laura thomas julia peter lisa paul sophie mark nina lukas eva jan clara felix marie max lea ben mia leon ida'.split(
    ' ',
  )
const CITIES =
  'berlin hamburg munich cologne frankfurt stuttgart leipzig dresden bremen hanover nuremberg essen dortmund bonn kiel mainz ulm trier jena gera'.split(
    ' ',
  )

/**
 * Shares of records that are a second or third version of a person, and of fields that differ in
 * such a version.
 */
const DUPLICATE_SHARE = 0.35
const FIELD_ERROR_SHARE = 0.18
const FIELD_MISSING_SHARE = 0.08

type Person = Record<string, string>

/**
 * Writes `count` persons with duplicates, all with the values of `shared`. Returns the number of
 * distinct persons.
 */
export async function writePeople(
  file: string,
  count: number,
  seed: number,
  shared: Person = {},
): Promise<number> {
  const random = createSeededRandom(seed)
  const below = (n: number) => Math.floor(random() * n)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() ** 1.7 * list.length)]!
  const word = () =>
    Array.from({ length: 2 + below(2) }, () => SYLLABLES[below(SYLLABLES.length)]!).join('')
  const surnames = Array.from({ length: Math.max(500, Math.round(count / 20)) }, word)
  const streets = Array.from(
    { length: Math.max(300, Math.round(count / 50)) },
    () => `${word()} street`,
  )
  const recent: Person[] = []
  const out = createWriteStream(file)
  let persons = 0
  const typo = (text: string) => {
    const at = below(text.length)
    const kind = below(4)
    if (kind === 0) return text.slice(0, at) + text.slice(at + 1)
    if (kind === 1)
      return `${text.slice(0, at)}${String.fromCharCode(97 + below(26))}${text.slice(at + 1)}`
    if (kind === 2)
      return `${text.slice(0, at)}${String.fromCharCode(97 + below(26))}${text.slice(at)}`
    return at + 1 < text.length
      ? text.slice(0, at) + text[at + 1] + text[at] + text.slice(at + 2)
      : text
  }
  for (let i = 0; i < count; i++) {
    let person: Person
    if (recent.length > 0 && random() < DUPLICATE_SHARE) {
      person = { ...recent[below(recent.length)]! }
      for (const field of Object.keys(person)) {
        const chance = random()
        if (chance < FIELD_MISSING_SHARE) delete person[field]
        else if (chance < FIELD_MISSING_SHARE + FIELD_ERROR_SHARE)
          person[field] = typo(person[field]!)
      }
    } else {
      persons++
      const given = pick(GIVEN)
      const surname = pick(surnames)
      const day = new Date(Date.UTC(1930, 0, 1) + below(28_000) * 86_400_000)
        .toISOString()
        .slice(0, 10)
      person = {
        givenName: given,
        surname,
        dateOfBirth: day,
        address: `${1 + below(180)} ${pick(streets)}, ${pick(CITIES)}, ${10_000 + below(Math.max(200, Math.round(count / 60)))}`,
        email: `${given}.${surname}${below(100)}@${pick(['gmail.com', 'web.de', 'example-mail.net', `${word()}.com`])}`,
        phone: `+4930${1_000_000 + below(8_999_999)}`,
      }
      recent.push(person)
      if (recent.length > 5000) recent[below(5000)] = recent.pop()!
    }
    if (
      !out.write(
        `${JSON.stringify({ source: `s${i % 3}`, id: String(i), fields: { ...person, ...shared } })}\n`,
      )
    )
      await new Promise<void>((resolve) => out.once('drain', () => resolve()))
  }
  out.end()
  await finished(out)
  return persons
}

const MODEL = `type Person @golden {
  id: ID!
  givenName: String @compare(as: GIVEN_NAME)
  surname: String @compare(as: SURNAME)
  dateOfBirth: String @compare(as: DATE_OF_BIRTH)
  address: String @compare(as: ADDRESS)
  email: String @compare(as: EMAIL)
  phone: String @compare(as: PHONE)
}
`

async function main(): Promise<void> {
  const given = process.argv.slice(2)
  const onePhone = given[0] === '--one-phone'
  if (onePhone) given.shift()
  const sizes = given.length > 0 ? given.map(Number) : [50_000, 1_000_000]
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-match-'))
  try {
    const model = join(dir, 'model.graphql')
    writeFileSync(model, MODEL)
    for (const size of sizes) {
      const records = join(dir, `people-${size}.ndjson`)
      const persons = await writePeople(
        records,
        size,
        7,
        onePhone ? { phone: '+4930555000', email: 'test@test.com' } : {},
      )
      const started = performance.now()
      const { stderr } = await promisify(execFile)(process.execPath, [
        ...[join(import.meta.dirname, '../cli/main.ts'), 'match', '--model', model],
        ...['--records', records, '--out', join(dir, `clusters-${size}.csv`)],
      ])
      console.log(
        `${size} records of ${persons} persons: ${((performance.now() - started) / 1000).toFixed(1)} s\n${stderr.trim()}`,
      )
      if (size === sizes[0] && !onePhone) await besideDuckdb(dir, records)
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Compares the candidate pairs of a file field by field in DuckDB. */
async function besideDuckdb(dir: string, file: string): Promise<void> {
  const records = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line, n): MatchRecord => {
      const { source, fields } = JSON.parse(line) as { source: string; fields: Person }
      // Padded to equal length, so that the records stay in the order of their lines.
      return { key: String(n).padStart(9, '0'), source, fields }
    })
  const type = parsePolicy([new Source(MODEL)]).types[0]!
  const { postings } = prepareBatch(type, records, { parameters: priorParameters(type) })
  const stamp = new Uint32Array(records.length)
  const lines: string[] = []
  for (let i = 0; i < records.length; i++)
    forEachCandidate(postings, i, stamp, (j) => lines.push(`${i},${j}`))
  const pairs = join(dir, 'pairs.csv')
  writeFileSync(pairs, lines.join('\n'))
  const fields = type.fields.filter((f) => f.compare).map((f) => f.name)
  const rate = await duckdbPairsPerSecond(file, pairs, fields, availableParallelism())
  console.log(
    rate === null
      ? 'DuckDB is not installed: npm install --prefix bench/peers'
      : `DuckDB: ${lines.length.toLocaleString('en')} pairs, ${Math.round(rate).toLocaleString('en')} a second (join, and jaro_winkler_similarity of ${fields.length} fields)`,
  )
}

if (process.argv[1] === import.meta.filename) await main()
