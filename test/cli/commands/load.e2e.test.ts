import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { FileError } from '../../../connectors/file/fileError.ts'
import { idFinder } from '../../../connectors/file/rowMessage.ts'
import { openFile } from '../../../connectors/file/rows.ts'
import { openConnectors } from '../../../connectors/openConnectors.ts'
import { createRandom, generateFile } from '../../connectors/csvFiles.ts'
import { faults } from '../../connectors/csvOutcome.ts'
import { policy } from '../../connectors/fixture.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { firstSeed } from '../../property.ts'

const main = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'touchstone-load-e2e-'))
let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => {
  rmSync(dir, { recursive: true, force: true })
  await db.drop()
})

interface Ended {
  code: number | null
  out: string
  err: string
}

function touchstone(args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, DATABASE_URL: db.url },
  })
  const ended: Ended = { code: null, out: '', err: '' }
  child.stdout.on('data', (c: Buffer) => {
    ended.out += c
  })
  child.stderr.on('data', (c: Buffer) => {
    ended.err += c
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ ...ended, code })))
}

/** Parses `       1,234 applied` into {applied: 1234}. */
function counts(out: string): Record<string, number> {
  const found = [
    ...out.matchAll(/^\s*([\d,]+) (applied|skipped|exceptions?|duplicates?|waiting|rows?)$/gm),
  ]
  return Object.fromEntries(found.map(([, n, what]) => [what, Number(n?.replaceAll(',', ''))]))
}

test('load stores, applies and counts messages; the same file again yields only duplicates', async () => {
  const lines = Array.from(
    { length: 30 },
    (_, i) => `S${i},Company ${i},2026-03-01T00:00:0${i % 10}Z`,
  )
  const path = join(dir, 'customers.csv.gz')
  writeFileSync(
    path,
    gzipSync(
      [
        'shop_customer_id,company_name,modified_at',
        ...lines,
        ',Without id,',
        'S30,,2026-03-01',
        'S31,X,never',
        'S1,Old,2020-01-01',
      ].join('\n'),
    ),
  )
  const first = await touchstone(['load', '--source', 'webshop', '--object', 'customers', path])
  assert.equal(first.code, 0, first.err)
  assert.deepEqual(counts(first.out), {
    applied: 30,
    skipped: 1,
    exceptions: 3,
    duplicates: 0,
    rows: 34,
  })
  for (const code of ['MISSING_ID', 'INCOMPLETE', 'INVALID_VERSION', 'NOT_NEWER'])
    assert.match(first.out, new RegExp(`1 ${code}: `))
  const again = await touchstone(['load', '-s', 'webshop', '-o', 'customers', path])
  assert.deepEqual(counts(again.out), {
    applied: 0,
    skipped: 0,
    exceptions: 0,
    duplicates: 34,
    rows: 34,
  })
})

/** TOUCHSTONE_CSV_LOADS for a longer run. */
const generatedFiles = Number(process.env.TOUCHSTONE_CSV_LOADS ?? 30)

test('load stores each row of generated files as it was generated, or as an exception', async (t) => {
  writeFileSync(
    join(dir, 'generated.yaml'),
    'sources:\n  - { name: gen, kind: generic, role: ERP, trust: 0.5, mapping: gen.mapping.yaml }\n',
  )
  writeFileSync(
    join(dir, 'gen.mapping.yaml'),
    'objects:\n  rows:\n    as: Product\n    id: id\n    fields: { name: id }\n',
  )
  const files = Array.from({ length: generatedFiles }, (_, i) => {
    const prefix = `F${i}.`
    const file = generateFile(createRandom(firstSeed + 7 + i), i % 3 === 0, prefix)
    const path = join(dir, `${i}.csv`)
    writeFileSync(path, file.bytes)
    return { ...file, path, prefix, name: `${i}.csv` }
    // A file that is cut within an id gives a record without the prefix by which it is found below.
  }).filter((file) => !file.damages.includes('cut'))
  const connector = openConnectors(join(dir, 'generated.yaml'), policy, {}).get('gen')
  assert.ok(connector)
  const hasId = idFinder(connector, 'rows')
  // One command loads all that can be read; one that is refused would stop it.
  const accepted: typeof files = []
  const refused: typeof files = []
  for (const file of files) {
    const opened = await openFile(file.path, { encoding: file.encoding }, hasId).catch(
      (e: unknown) => {
        if (e instanceof FileError) return null
        throw e
      },
    )
    await opened?.close()
    if (opened) accepted.push(file)
    else refused.push(file)
  }
  const load = (some: typeof files, encoding: string | undefined) =>
    touchstone([
      ...['load', '--source', 'gen', '--object', 'rows', '--sources', join(dir, 'generated.yaml')],
      ...(encoding ? ['--encoding', encoding] : []),
      ...some.map((f) => f.path),
    ])
  let counted = 0
  for (const encoding of [undefined, 'windows-1252']) {
    const some = accepted.filter((f) => f.encoding === encoding)
    if (some.length === 0) continue
    const { code, out, err } = await load(some, encoding)
    assert.equal(code, 0, err)
    const { applied = 0, exceptions = 0, duplicates = 0, skipped = 0, rows } = counts(out)
    assert.equal(applied + exceptions + duplicates + skipped, rows)
    counted += applied + exceptions
  }
  const stored = await db.sql<{ id: string; raw: Record<string, string> }[]>`
    select source_id as id, raw from source_record where source = 'gen'`
  const failed = await db.sql<{ text: string; detail: string }[]>`
    select i.body as text, o.detail from outcome o join inbox i on i.id = o.inbox_id
    where o.source = 'gen' and o.outcome = 'EXCEPTION'`
  for (const file of accepted) {
    const records = stored.filter((r) => r.id.startsWith(file.prefix))
    const exceptions = failed.filter((e) => e.detail.startsWith(`${file.name}, line `))
    const outcome = {
      refused: null,
      records: records.map((r) => new Map(Object.entries(r.raw))),
      exceptions,
    }
    assert.deepEqual(faults(file, outcome), [], `${file.dialect} ${file.damages.join(', ')}`)
  }
  assert.equal(counted, stored.length + failed.length)
  const [first] = refused
  if (first) {
    const { code, err } = await load([first], first.encoding)
    assert.deepEqual([code, /\.csv: line \d+|incomplete/.test(err)], [1, true], err)
  }
  t.diagnostic(
    `${accepted.length} files loaded: ${stored.length} records, ${failed.length} exceptions; ${refused.length} refused`,
  )
})

test('load explains a wrong argument in one sentence, with exit code 1', async () => {
  const cases: [string[], RegExp][] = [
    [
      ['load', '-s', 'webshp', 'x.csv'],
      /no source system "webshp".*salesforce, stripe, netsuite, webshop/,
    ],
    [['load', '-s', 'webshop', '-o', 'custmers', 'x.csv'], /no object "custmers"/],
    [['load', '-s', 'webshop', '-o', 'customers', join(dir, 'gone.csv')], /gone\.csv: ENOENT/],
    [['load', 'x.csv'], /--source/],
    [['sources', 'nobody'], /no source system "nobody"/],
  ]
  for (const [args, expected] of cases) {
    const given = await touchstone(args)
    assert.equal(given.code, 1, args.join(' '))
    assert.match(given.err, expected)
    assert.doesNotMatch(given.err, /\n\s+at /, 'no stack')
  }
})

test('sources reports a typo in a mapping with file and line, with exit code 1', async () => {
  writeFileSync(
    join(dir, 'sources.yaml'),
    'sources:\n  - { name: shop, kind: generic, role: CRM, trust: 0.5, mapping: shop.yaml }\n',
  )
  writeFileSync(
    join(dir, 'shop.yaml'),
    'objects:\n  customers:\n    as: Customer\n    id: id\n    fields:\n      nmae: name\n',
  )
  const given = await touchstone(['sources', '--sources', join(dir, 'sources.yaml')])
  assert.equal(given.code, 1)
  assert.match(given.err, /shop\.yaml:6: unknown field "nmae" of Customer \(did you mean name\?\)/)
  const good = await touchstone(['sources'])
  assert.equal(good.code, 0, good.err)
  assert.match(good.out, /webshop\s+generic\s+SUCCESS/)
})
