import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { MessageError } from '../../connectors/contract.ts'
import { FileError } from '../../connectors/file/fileError.ts'
import { idFinder, messagesOfRow } from '../../connectors/file/rowMessage.ts'
import { openFile } from '../../connectors/file/rows.ts'
import { firstSeed } from '../property.ts'
import { createRandom, type GeneratedFile, generateFile } from './csvFiles.ts'
import { faults, type Outcome } from './csvOutcome.ts'
import { withMapping } from './fixture.ts'

/** TOUCHSTONE_CSV_FILES for a longer run, TOUCHSTONE_SEED for another. */
const files = Number(process.env.TOUCHSTONE_CSV_FILES ?? 150)
const dir = mkdtempSync(join(tmpdir(), 'touchstone-csv-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const connector = withMapping(
  'objects:\n  rows:\n    as: Product\n    id: id\n    fields: { name: id }\n',
)

async function load(file: GeneratedFile, name: string): Promise<Outcome> {
  const path = join(dir, name)
  writeFileSync(path, file.bytes)
  const records: ReadonlyMap<string, string>[] = []
  const exceptions: Outcome['exceptions'] = []
  try {
    const opened = await openFile(path, { encoding: file.encoding }, idFinder(connector, 'rows'))
    for await (const row of opened.rows())
      for (const message of messagesOfRow(connector, row, name, 'rows'))
        try {
          for (const { raw } of connector.read(message.format, message.body, message.object))
            records.push(new Map(Object.entries(raw as Record<string, string>)))
        } catch (e) {
          if (!(e instanceof MessageError)) throw e
          exceptions.push({ text: message.body, detail: e.message })
        }
    return { refused: null, records, exceptions }
  } catch (e) {
    if (!(e instanceof FileError)) throw e
    assert.deepEqual([records.length, exceptions.length], [0, 0], 'a refused file gives no rows')
    return { refused: e.message, records, exceptions }
  }
}

const shown = (file: GeneratedFile, outcome: Outcome) =>
  `\n${file.dialect} ${file.damages.join(', ')}\n${JSON.stringify(file.bytes.toString(file.dialect.includes('16') ? 'utf16le' : 'utf8'))}\n${JSON.stringify(outcome.exceptions.slice(0, 5))}`

describe(`generated CSV files from seed ${firstSeed}`, () => {
  test('every row of a file without damage is read with its values', async (t) => {
    let rows = 0
    let refused = 0
    for (let i = 0; i < files; i++) {
      const file = generateFile(createRandom(firstSeed * 1_000_003 + i), true)
      const outcome = await load(file, 'clean.csv')
      if (outcome.refused !== null && file.spansLines) {
        refused++
        continue
      }
      assert.equal(outcome.refused, null, `file ${i}${shown(file, outcome)}`)
      assert.deepEqual(
        [outcome.exceptions, faults(file, outcome)],
        [[], []],
        `file ${i}${shown(file, outcome)}`,
      )
      assert.equal(outcome.records.length, file.rows.length, `file ${i}`)
      rows += file.rows.length
    }
    t.diagnostic(
      `${files} files, ${rows} rows; ${refused} files refused because their cells look like rows`,
    )
  })

  test('no row of a damaged file is lost, fused or changed without being counted', async (t) => {
    const sum = { rows: 0, records: 0, exceptions: 0, refused: 0, rowsOfRefused: 0 }
    for (let i = 0; i < files; i++) {
      const file = generateFile(createRandom(firstSeed * 1_000_003 + 500_000_000 + i), false)
      const outcome = await load(file, 'damaged.csv')
      const wrong = faults(file, outcome)
      assert.deepEqual(wrong, [], `file ${i}${shown(file, outcome)}`)
      sum.rows += file.rows.length
      sum.records += outcome.records.length
      sum.exceptions += outcome.exceptions.length
      if (outcome.refused === null) continue
      sum.refused++
      sum.rowsOfRefused += file.rows.length
    }
    t.diagnostic(`${files} files: ${JSON.stringify(sum)}`)
  })
})
