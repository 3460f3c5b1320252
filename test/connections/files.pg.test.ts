import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { command } from '../../cli/commands/sync.ts'
import { runCommand } from '../cli/runCommand.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { empty } from '../fixtures/store.ts'
import { csv, type FileWorld, openFileWorld } from './fileWorld.ts'

let db: TestDatabase
let world: FileWorld
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`truncate sync_state, sync_run, file_delivery restart identity`
})
after(async () => await db?.drop())

function open(
  t: { after(work: () => void): void },
  files: Record<string, unknown> = {},
): FileWorld {
  world = openFileWorld(db.sql, files)
  t.after(() => world.close())
  return world
}

const put = (name: string, text: string) => writeFileSync(join(world.inbox, name), text)
const states = async () =>
  (await world.deliveries()).map(
    ({ name, state, code }) => `${name} ${state}${code ? ` ${code}` : ''}`,
  )
/** Runs once and returns the code of what the run asks for. */
const run = async () => {
  const result = await world.run()
  assert.equal(result.ended, 'DONE', JSON.stringify(result))
  return result.ended === 'DONE' ? (result.asks?.code ?? null) : null
}

describe('the files of a folder', () => {
  test('are read in the order of their dates and numbers, and archived', async (t) => {
    open(t, {
      objects: { customers: 'customers_{yyyyMMdd}_{number}.csv' },
      archive: 'archive',
    })
    put('customers_20260102_2.csv', csv({ 1: 'Second', 3: 'Cid' }))
    put('customers_20260102_10.csv', csv({ 1: 'Tenth' }))
    put('customers_20260101_11.csv', csv({ 1: 'First', 2: 'Bea' }))
    put('other.txt', 'not ours')
    assert.equal(await run(), null)
    assert.deepEqual(await states(), [
      'customers_20260101_11.csv DONE',
      'customers_20260102_2.csv DONE',
      'customers_20260102_10.csv DONE',
    ])
    assert.deepEqual(await world.stored(), { 1: 'Tenth', 2: 'Bea', 3: 'Cid' })
    assert.deepEqual(readdirSync(world.inbox).sort(), ['archive', 'other.txt'])
    assert.equal(readdirSync(join(world.inbox, 'archive')).length, 3)
    const [state] = await db.sql`select rows, state from sync_state`
    assert.deepEqual({ ...state }, { rows: 5, state: 'IDLE' })
    const [of] = await db.sql`select rows, messages, state from sync_run`
    assert.deepEqual({ ...of }, { rows: 5, messages: 5, state: 'DONE' })
  })

  test('change nothing when the same content comes again, under its name or another', async (t) => {
    open(t, { archive: 'archive' })
    put('customers_1.csv', csv({ 1: 'Ada' }))
    await run()
    put('customers_1.csv', csv({ 1: 'Ada' }))
    put('customers_2.csv', csv({ 1: 'Ada' }))
    await run()
    assert.deepEqual(await states(), [
      'customers_1.csv DONE',
      'customers_2.csv DONE SAME_CONTENT',
      'customers_1.csv DONE SAME_CONTENT',
    ])
    assert.match(
      (await world.deliveries())[1]?.detail ?? '',
      /its content is that of customers_1.csv, read at/,
    )
    assert.equal(await world.messages(), 1)
    assert.deepEqual(readdirSync(join(world.inbox, 'archive')).sort(), [
      'customers_1.csv',
      'customers_1~3.csv',
      'customers_2.csv',
    ])
  })

  test('are read once where they stay, and again where their content changes', async (t) => {
    open(t)
    put('customers_all.csv', csv({ 1: 'Ada' }))
    await run()
    await run()
    assert.deepEqual(await states(), ['customers_all.csv DONE'])
    put('customers_all.csv', csv({ 1: 'Ada B.', 2: 'Bea' }))
    await run()
    assert.deepEqual(await world.stored(), { 1: 'Ada B.', 2: 'Bea' })
    put('customers_all.csv', csv({ 1: 'Ada' }))
    await run()
    assert.deepEqual(
      await world.stored(),
      { 1: 'Ada', 2: 'Bea' },
      'an earlier content counts again',
    )
    const versions = await db.sql`select version, state, code from file_delivery order by id`
    assert.deepEqual(
      versions.map((v) => `${v.version} ${v.state} ${v.code}`),
      ['1 DONE null', '2 DONE null', '3 DONE null'],
    )
  })

  test('a record that returns to an earlier content counts, one that did not change is no message', async (t) => {
    open(t)
    put('customers_1.csv', csv({ 1: 'Ada', 2: 'Bea' }))
    await run()
    assert.deepEqual(await world.stored(), { 1: 'Ada', 2: 'Bea' })
    put('customers_2.csv', csv({ 1: 'Eve', 2: 'Bea' }))
    await run()
    assert.deepEqual(await world.stored(), { 1: 'Eve', 2: 'Bea' })
    assert.equal(await world.messages(), 3)
    put('customers_3.csv', csv({ 1: 'Ada', 2: 'Bea' }))
    put('customers_4.csv', 'id,name\n1,Ada\n1,Eve\n1,Ada\n2,Bea\n')
    await run()
    assert.deepEqual(await world.stored(), { 1: 'Ada', 2: 'Bea' })
  })

  test('wait until they no longer grow', async (t) => {
    open(t, { stable: '30s' })
    put('customers_1.csv', csv({ 1: 'Ada' }))
    await run()
    assert.deepEqual(await states(), ['customers_1.csv WAITING MAY_GROW'])
    const [due] =
      await db.sql`select extract(epoch from due_at - clock_timestamp())::int as s from sync_state`
    assert.ok(due?.s <= 30, 'the next run comes as soon as it may be read')
    const age = () => db.sql`update file_delivery set seen_at = seen_at - interval '31 s'`
    await age()
    appendFileSync(join(world.inbox, 'customers_1.csv'), '2,Bea\n')
    await run()
    assert.deepEqual(await states(), ['customers_1.csv WAITING MAY_GROW'], 'it grew')
    await age()
    await run()
    assert.deepEqual(await world.stored(), { 1: 'Ada', 2: 'Bea' })
  })

  test('a bad file is refused whole with its line, holds back the later ones, and is corrected', async (t) => {
    open(t, { errors: 'errors', archive: 'archive' })
    put('customers_1.csv', 'id,name\n1,Ada\n2,"Bea\n3,Cid\n')
    put('customers_2.csv', csv({ 1: 'Eve' }))
    assert.equal(await run(), 'FILE_REFUSED')
    assert.equal(await run(), 'FILE_REFUSED')
    assert.deepEqual(await states(), [
      'customers_1.csv REFUSED FILE_REFUSED',
      'customers_2.csv WAITING WAITS',
    ])
    assert.deepEqual(await world.stored(), {})
    const [first, ...others] = await world.exceptions()
    assert.deepEqual(others, [])
    assert.equal(first?.object, 'customers')
    assert.match(first?.detail ?? '', /^customers_1.csv: line 3, cell 2: a quote opens the cell/)
    assert.ok(existsSync(join(world.inbox, 'errors/customers_1.csv')))
    put('customers_1.csv', csv({ 1: 'Ada', 2: 'Bea' }))
    assert.equal(await run(), null)
    assert.deepEqual(await world.stored(), { 1: 'Eve', 2: 'Bea' }, 'in the order of the names')
    assert.deepEqual(
      (await world.exceptions()).map((e) => e.outcome),
      ['CORRECTED'],
    )
    assert.deepEqual(readdirSync(join(world.inbox, 'archive')).sort(), [
      'customers_1.csv',
      'customers_2.csv',
    ])
  })

  test('a bad file holds back nothing with onError: continue', async (t) => {
    open(t, { objects: { customers: { names: 'customers_*', onError: 'continue' } } })
    put('customers_1', Buffer.from('%PDF-1.7 …').toString())
    put('customers_2', csv({ 1: 'Eve' }))
    assert.equal(await run(), null)
    assert.deepEqual(await world.stored(), { 1: 'Eve' })
    assert.match(
      (await world.exceptions())[0]?.detail ?? '',
      /customers_1: the file is a PDF document/,
    )
  })

  test('a missing number holds back the later files, and is reported after the gap', async (t) => {
    open(t, { objects: { customers: 'customers_{sequence}.csv' }, gap: '24h' })
    put('customers_0004.csv', csv({ 1: 'Four' }))
    await run()
    put('customers_0007.csv', csv({ 1: 'Seven' }))
    assert.equal(await run(), null)
    assert.deepEqual(await states(), [
      'customers_0004.csv DONE',
      'customers_5.csv MISSING FILE_MISSING',
      'customers_6.csv MISSING FILE_MISSING',
      'customers_0007.csv WAITING WAITS',
    ])
    await db.sql`update file_delivery set seen_at = seen_at - interval '25 h' where state = 'MISSING'`
    assert.equal(await run(), 'FILE_OVERDUE')
    assert.equal(await run(), 'FILE_OVERDUE')
    assert.deepEqual(
      (await world.exceptions()).map((e) => `${e.code} ${e.detail}`),
      [
        'FILE_MISSING customers_5.csv: it has not come',
        'FILE_MISSING customers_6.csv: it has not come',
      ],
    )
    put('customers_0005.csv', csv({ 1: 'Five' }))
    put('customers_0006.csv', csv({ 1: 'Six', 2: 'Bea' }))
    assert.equal(await run(), null)
    assert.deepEqual(await world.stored(), { 1: 'Seven', 2: 'Bea' })
    assert.deepEqual(
      (await world.exceptions()).map((e) => e.outcome),
      ['CORRECTED', 'CORRECTED'],
    )
  })

  test('a number that restarts with each date is counted from its first', async (t) => {
    open(t, {
      objects: { customers: { names: 'c_{yyyyMMdd}_{sequence}.csv', sequence: 'restarts' } },
    })
    put('c_20260101_1.csv', csv({ 1: 'a' }))
    put('c_20260102_2.csv', csv({ 1: 'd' }))
    put('c_20260101_2.csv', csv({ 1: 'b' }))
    await run()
    assert.deepEqual(await world.stored(), { 1: 'b' })
    put('c_20260102_1.csv', csv({ 1: 'c' }))
    await run()
    assert.deepEqual(await world.stored(), { 1: 'd' })
  })

  test('wait for their checksum, and are refused where it differs', async (t) => {
    open(t, { checksum: '.sha256', archive: 'archive', errors: 'errors' })
    const text = csv({ 1: 'Ada' })
    put('customers_1.csv', text)
    await run()
    assert.deepEqual(await states(), ['customers_1.csv WAITING NO_CHECKSUM'])
    const sum = createHash('sha256').update(text).digest('hex')
    put('customers_1.csv.sha256', `${sum}  customers_1.csv\n`)
    put('customers_2.csv', csv({ 1: 'Eve' }))
    put('customers_2.csv.sha256', `${sum}  customers_2.csv\n`)
    await run()
    assert.deepEqual(await states(), [
      'customers_1.csv DONE',
      'customers_2.csv REFUSED FILE_CHECKSUM',
    ])
    assert.deepEqual(readdirSync(world.inbox).sort(), ['archive', 'errors'])
    assert.deepEqual(readdirSync(join(world.inbox, 'archive')).sort(), [
      'customers_1.csv',
      'customers_1.csv.sha256',
    ])
  })

  test('follow a manifest with names, rows and checksums', async (t) => {
    open(t, { manifest: '*.manifest.json', stable: '30s', archive: 'archive' })
    const text = csv({ 1: 'Ada', 2: 'Bea' })
    const sha256 = createHash('sha256').update(text).digest('hex')
    put('customers_1.csv', text)
    await run()
    assert.deepEqual(await states(), ['customers_1.csv WAITING NO_MANIFEST'])
    const files = [
      { name: 'customers_1.csv', rows: 2, sha256 },
      { name: 'customers_2.csv', rows: 3 },
    ]
    put('day1.manifest.json', JSON.stringify({ files }))
    await run()
    assert.deepEqual(await world.stored(), { 1: 'Ada', 2: 'Bea' })
    assert.deepEqual(await states(), [
      'customers_1.csv DONE',
      'day1.manifest.json WAITING',
      'customers_2.csv MISSING FILE_MISSING',
    ])
    put('customers_2.csv', csv({ 3: 'Cid' }))
    assert.equal(await run(), 'FILE_REFUSED', 'it has one row, and three are stated')
    assert.match((await world.exceptions())[0]?.detail ?? '', /it has 1 rows; 3 are stated/)
    assert.deepEqual(readdirSync(join(world.inbox, 'archive')).sort(), [
      'customers_1.csv',
      'day1.manifest.json',
    ])
  })

  test('follow markers', async (t) => {
    open(t, { done: '.done', stable: '30s', archive: 'archive' })
    put('customers_1.csv', csv({ 1: 'Ada' }))
    put('customers_2.csv', csv({ 1: 'Eve' }))
    put('customers_2.csv.done', '')
    await run()
    assert.deepEqual(await states(), [
      'customers_1.csv WAITING NO_MARKER',
      'customers_2.csv WAITING WAITS',
    ])
    put('customers_1.done', '{"rows": 1}')
    await run()
    assert.deepEqual(await world.stored(), { 1: 'Eve' })
    assert.deepEqual(readdirSync(world.inbox), ['archive'])
  })

  test('links and what is no file are left alone, and a folder that leads out is refused', async (t) => {
    open(t, { archive: 'archive' })
    const outside = join(world.dir, 'outside.csv')
    writeFileSync(outside, csv({ 1: 'Mallory' }))
    symlinkSync(outside, join(world.inbox, 'customers_1.csv'))
    mkdirSync(join(world.inbox, 'customers_2.csv'))
    await run()
    assert.deepEqual(await states(), [])
    mkdirSync(join(world.dir, 'elsewhere'))
    symlinkSync(join(world.dir, 'elsewhere'), join(world.inbox, 'archive'))
    put('customers_3.csv', csv({ 1: 'Ada' }))
    const result = await world.run()
    assert.equal(result.ended === 'FAILED' && result.problem.code, 'FOLDER_IS_LINK')
    assert.ok(existsSync(join(world.inbox, 'customers_3.csv')), 'it stays')
    rmSync(join(world.inbox, 'archive'))
    await run()
    assert.ok(existsSync(join(world.inbox, 'archive/customers_3.csv')), 'the move is repeated')
    assert.equal(await world.messages(), 1)
  })

  test('too large, ambiguous and unknown names are refused or reported', async (t) => {
    open(t, {
      bytesMax: 20,
      gap: '0ms',
      objects: { customers: { names: 'c*', onError: 'continue' }, notes: '*1' },
    })
    put('c1', 'id\n1\n')
    put('c2', csv({ 1: 'a name that is too long' }))
    put('x', '')
    assert.equal(await run(), 'FILE_UNKNOWN')
    assert.deepEqual(await states(), ['c1 REFUSED AMBIGUOUS_NAME', 'c2 REFUSED FILE_TOO_LARGE'])
  })

  test('another content in place of one that was cut off, and files that are taken back, are reported', async (t) => {
    open(t, { objects: { customers: 'customers_{sequence}.csv', notes: 'notes_*' }, stable: '1h' })
    put('customers_1.csv', csv({ 1: 'Ada', 2: 'Bea' }))
    put('notes_a', csv({ 1: 'a' }))
    await run()
    await world.run('notes')
    await db.sql`
      update file_delivery set seen_at = seen_at - interval '2 h', state = 'READING', sha256 = 'that of Ada', rows = 1
      where name = 'customers_1.csv'`
    await run()
    assert.deepEqual(await states(), [
      'customers_1.csv REFUSED FILE_REPLACED',
      'notes_a WAITING MAY_GROW',
      'customers_1.csv DONE',
    ])
    assert.deepEqual(await world.stored(), { 1: 'Ada', 2: 'Bea' })
    assert.match(
      (await world.exceptions())[0]?.detail ?? '',
      /another content replaced it after 1 of its rows/,
    )
    put('customers_2.csv', csv({ 3: 'Cid' }))
    await run()
    for (const name of ['customers_2.csv', 'notes_a']) rmSync(join(world.inbox, name))
    await run()
    await world.run('notes')
    assert.deepEqual((await states()).slice(1), [
      'notes_a REFUSED FILE_REMOVED',
      'customers_1.csv DONE',
      'customers_2.csv MISSING FILE_REMOVED',
    ])
    put('customers_2.csv', csv({ 3: 'Cid' }))
    await run()
    await db.sql`update file_delivery set seen_at = seen_at - interval '2 h' where state = 'WAITING'`
    await run()
    assert.deepEqual(await world.stored(), { 1: 'Ada', 2: 'Bea', 3: 'Cid' })
  })

  test('a rescan reads once more what is still there, and stores nothing that is known', async (t) => {
    open(t)
    put('customers_1.csv', csv({ 1: 'Ada' }))
    put('customers_2.csv', csv({ 2: 'Bea' }))
    await run()
    assert.deepEqual(await world.stored(), { 1: 'Ada', 2: 'Bea' })
    await db.sql`update sync_state set rescan_since = clock_timestamp()`
    await run()
    assert.deepEqual(
      (await world.deliveries()).map((d) => `${d.name} ${d.state} ${d.rows}`),
      ['1 DONE 1', '2 DONE 1', '1 DONE 1', '2 DONE 1'].map(
        (d) => `customers_${d.replace(' ', '.csv ')}`,
      ),
    )
    assert.equal(await world.messages(), 2)
    const [state] = await db.sql`select state, rescan_since from sync_state`
    assert.deepEqual({ ...state }, { state: 'IDLE', rescan_since: null })
    await run()
    assert.equal((await world.deliveries()).length, 4)
  })

  test('copies that a killed process has left are removed, those of others stay', async (t) => {
    const [left, own] = ['999999999', String(process.pid)].map((pid) =>
      mkdtempSync(join(tmpdir(), `touchstone-files-${pid}-`)),
    )
    assert.ok(left && own)
    t.after(() => rmSync(own, { recursive: true }))
    const program = new URL('../../mdm/files/leftCopies.ts', import.meta.url)
    const script = `import { removeLeftCopies } from '${program}'; await removeLeftCopies()`
    execFileSync(process.execPath, ['--input-type=module', '-e', script])
    assert.deepEqual(
      [left, own].map((path) => existsSync(path)),
      [false, true],
    )
  })

  test('a folder that is not there is a failure of the object', async (t) => {
    open(t)
    rmSync(world.inbox, { recursive: true })
    const result = await world.run()
    assert.ok(result.ended === 'FAILED')
    assert.equal(result.problem.verdict, 'MISSING')
    mkdirSync(world.inbox)
    put('customers_1.csv', csv({ 1: 'Ada' }))
    await run()
    assert.equal(readFileSync(join(world.inbox, 'customers_1.csv'), 'utf8'), csv({ 1: 'Ada' }))
  })
})

describe('the command sync', () => {
  const sync = async (...args: string[]) =>
    await runCommand(command, args, { DATABASE_URL: db.url, TOUCHSTONE_SOURCES: world.path })

  test('reads, shows and decides about files', async (t) => {
    open(t, { objects: { customers: 'c_{sequence}.csv' } })
    put('c_1.csv', 'id,name\n1,"Ada\n')
    put('c_3.csv', csv({ 1: 'Cid' }))
    const first = await sync('run', 'shop')
    assert.equal(first.code, 1, first.output)
    assert.match(first.output, /shop\/customers: complete\n/)
    assert.match(first.output, /FILE_REFUSED: c_1.csv was refused: line 2/)
    assert.equal((await sync('status')).code, 1, 'a person is needed')
    const listed = await sync('files', 'shop', '--open')
    assert.match(
      listed.stdout,
      /shop\/customers +REFUSED +c_1.csv: 0 rows, 0 new\n {2}FILE_REFUSED: line 2/,
    )
    assert.match(listed.stdout, /WAITING +c_3.csv/)
    const why = ['--reason', 'the ERP never wrote it']
    const none = await sync('files', 'shop', '--skip', 'c_9.csv', ...why)
    assert.match(none.output, /shop has put no file "c_9.csv" anywhere/)
    put('c_1.csv', csv({ 1: 'Ada' }))
    assert.equal((await sync('run', 'shop')).code, 0)
    assert.match(
      (await sync('files', 'shop', '--skip', 'c_2.csv', ...why)).stdout,
      /c_2.csv is skipped/,
    )
    assert.equal((await sync('run', 'shop', '--json')).code, 0)
    assert.deepEqual(await world.stored(), { 1: 'Cid' })
    assert.deepEqual((await sync('files', 'shop', '--open')).stdout, 'no files\n')
    const again = await sync('files', 'shop', '--again', 'c_3.csv', ...why)
    assert.match(again.output, /c_3.csv was not refused/)
    assert.match(
      (await sync('run', 'shop', '--census')).output,
      /is read from files, so it has no census/,
    )
    assert.equal((await sync('status')).code, 0)
    const [entry] = await db.sql`
      select event, body->>'file' as file from audit order by id desc limit 1`
    assert.deepEqual(entry && { ...entry }, { event: 'SKIP_FILE', file: 'c_2.csv' })
  })
})
