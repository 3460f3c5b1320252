import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { FileError } from '../../connectors/file/fileError.ts'
import { isParquet, openParquet } from '../../connectors/file/parquet/parquetFile.ts'
import { readColumns } from '../../connectors/file/parquet/parquetSchema.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-parquet-'))
after(() => rmSync(dir, { recursive: true, force: true }))

type Written = Parameters<typeof parquetWriteBuffer>[0]

function write(name: string, given: Written): string {
  const path = join(dir, name)
  writeFileSync(path, Buffer.from(parquetWriteBuffer(given)))
  return path
}

async function readAll(path: string, rowsMax = 1_000) {
  const file = await openParquet(path, rowsMax)
  const unread = new Map<string, number>()
  const rows: Record<string, unknown>[] = []
  const names = file.columns.map((c) => c.name)
  for await (const row of file.read(names, unread)) rows.push({ ...row.values })
  return { file, rows, unread: [...unread] }
}

const element = (name: string, more: object) => ({
  name,
  repetition_type: 'OPTIONAL' as const,
  ...more,
})

describe('values of Parquet', () => {
  test('whole numbers and decimals keep all their digits, floats their shortest form', async () => {
    const path = write('numbers.parquet', {
      columnData: [
        { name: 'big', data: [9_007_199_254_740_993n, -5n, null] },
        { name: 'money', data: [12_345_678_901_234.56, -0.05, null] },
        { name: 'small', data: [0.1, Number.NaN, null] },
      ],
      schema: [
        { name: 'root', num_children: 3 },
        element('big', { type: 'INT64' }),
        element('money', {
          type: 'FIXED_LEN_BYTE_ARRAY',
          type_length: 16,
          converted_type: 'DECIMAL',
          scale: 2,
          precision: 30,
        }),
        element('small', { type: 'FLOAT' }),
      ],
    })
    assert.deepEqual((await readAll(path)).rows, [
      { big: '9007199254740993', money: '12345678901234.56', small: 0.1 },
      { big: -5, money: '-0.05' },
      {},
    ])
  })

  test('a day is a day, a moment has its time in UTC', async () => {
    const path = write('times.parquet', {
      columnData: [
        { name: 'day', data: [new Date('1980-02-03'), new Date('0099-12-31')] },
        {
          name: 'moment',
          data: [new Date('1980-02-03T00:00:00Z'), new Date('1980-02-03T11:12:13Z')],
        },
      ],
      schema: [
        { name: 'root', num_children: 2 },
        element('day', { type: 'INT32', converted_type: 'DATE' }),
        element('moment', { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' }),
      ],
    })
    assert.deepEqual((await readAll(path)).rows, [
      { day: '1980-02-03', moment: '1980-02-03' },
      { day: '0099-12-31', moment: '1980-02-03T11:12:13.000Z' },
    ])
  })

  test('lists and structures are values with members, and lists may be stated in the new form alone', async () => {
    const path = write('nested.parquet', {
      columnData: [
        { name: 'emails', data: [['a@b.example', null, 'c@d.example'], []] },
        {
          name: 'address',
          data: [{ street: 'Hafenstr. 1', city: 'Hamburg' }, null],
        },
      ],
      schema: [
        { name: 'root', num_children: 2 },
        element('emails', { num_children: 1, converted_type: 'LIST' }),
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        element('element', { type: 'BYTE_ARRAY', converted_type: 'UTF8' }),
        element('address', { num_children: 2 }),
        element('street', { type: 'BYTE_ARRAY', converted_type: 'UTF8' }),
        element('city', { type: 'BYTE_ARRAY', converted_type: 'UTF8' }),
      ],
    })
    const { file, rows } = await readAll(path)
    assert.deepEqual(file.columns, [
      { name: 'emails', isStructure: false },
      { name: 'address', isStructure: true },
    ])
    assert.deepEqual(JSON.parse(JSON.stringify(rows)), [
      {
        emails: ['a@b.example', 'c@d.example'],
        address: { street: 'Hafenstr. 1', city: 'Hamburg' },
      },
      { emails: [] },
    ])
    const schema = [
      { name: 'root', num_children: 1 },
      element('emails', { num_children: 1, logical_type: { type: 'LIST' } }),
      { name: 'list', repetition_type: 'REPEATED' as const, num_children: 1 },
      element('element', { type: 'BYTE_ARRAY', logical_type: { type: 'STRING' } }),
    ]
    const none = { version: 1, num_rows: 0n, row_groups: [], metadata_length: 0 }
    const { columns, metadata } = readColumns({ ...none, schema })
    assert.equal(columns[0]?.kind, 'LIST')
    assert.equal(metadata.schema[1]?.converted_type, 'LIST')
  })

  test('bytes that are not text, and columns of other kinds, are left out and named', async () => {
    const path = write('odd.parquet', {
      columnData: [
        { name: 'name', data: ['Anna', 'Bert'] },
        {
          name: 'photo',
          data: [new Uint8Array([0xff, 0xd8]), new TextEncoder().encode('plain')],
        },
        { name: 'at', data: [1, 2] },
        { name: '__proto__', data: ['x', 'y'] },
      ],
      schema: [
        { name: 'root', num_children: 4 },
        element('name', { type: 'BYTE_ARRAY', converted_type: 'UTF8' }),
        element('photo', { type: 'BYTE_ARRAY' }),
        element('at', { type: 'INT32', converted_type: 'TIME_MILLIS' }),
        element('__proto__', { type: 'BYTE_ARRAY', converted_type: 'UTF8' }),
      ],
    })
    const { file, rows, unread } = await readAll(path)
    assert.deepEqual(rows, [{ name: 'Anna' }, { name: 'Bert', photo: 'plain' }])
    assert.deepEqual(unread, [['column "photo": bytes that are not UTF-8 text', 1]])
    assert.match(file.notices.join('\n'), /"at" is not read: its values are times of the day/)
    assert.match(file.notices.join('\n'), /"__proto__" is not read/)
  })
})

describe('files of Parquet', () => {
  const columnData = [{ name: 'name', data: Array.from({ length: 50 }, (_, i) => `Anna ${i % 7}`) }]

  test('reads every codec and several row groups; refuses a codec that is not read', async () => {
    const compressors = {
      GZIP: (input: Uint8Array) => gzipSync(input),
      ZSTD: (input: Uint8Array) => zstdCompressSync(input),
      BROTLI: (input: Uint8Array) => brotliCompressSync(input),
      LZ4_RAW: (input: Uint8Array) => input,
    }
    for (const codec of ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD', 'BROTLI'] as const) {
      const path = write(`${codec}.parquet`, { columnData, codec, compressors, rowGroupSize: 20 })
      const { rows } = await readAll(path)
      assert.deepEqual([rows.length, rows[49]], [50, { name: 'Anna 0' }], codec)
    }
    const lz4 = write('lz4.parquet', { columnData, codec: 'LZ4_RAW', compressors })
    await assert.rejects(readAll(lz4), /lz4\.parquet: .*packed with LZ4_RAW; write it with SNAPPY/)
  })

  test('refuses damaged and too large files with their name and the reason', async () => {
    const whole = Buffer.from(parquetWriteBuffer({ columnData }))
    const broken = (name: string, bytes: Buffer) => {
      writeFileSync(join(dir, name), bytes)
      return join(dir, name)
    }
    assert.equal(isParquet(whole), true)
    await assert.rejects(readAll(broken('cut', whole.subarray(0, whole.length - 9))), FileError)
    await assert.rejects(readAll(broken('short', whole.subarray(0, 6))), /short: the Parquet file/)
    const flipped = Buffer.from(whole)
    flipped.fill(0xff, 4, 60)
    await assert.rejects(readAll(broken('flipped', flipped)), /flipped: the Parquet file cannot/)
    await assert.rejects(readAll(broken('many', whole), 49), /many: 50 rows; one run takes at most/)
    // A page that says it is two gigabytes must not take them.
    const length = whole.length
    for (let i = 4; i < 64; i++) {
      const changed = Buffer.from(whole)
      changed[i] = 0xff
      const read = readAll(broken('changed', changed))
      await read.then(
        ({ rows }) => assert.ok(rows.length <= 50, `byte ${i} of ${length}`),
        (e: unknown) => assert.ok(e instanceof FileError, `byte ${i}: ${String(e)}`),
      )
    }
  })
})
