import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type TestDatabase, testDatabase } from '../../database.ts'

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
    ...out.matchAll(/^\s*([\d,]+) (applied|skipped|exceptions|duplicates|waiting|rows)$/gm),
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
