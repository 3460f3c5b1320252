import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readRecordFiles } from '../../../../cli/commands/input/recordsFile.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-records-'))
const [pipe, copies] = [join(dir, 'records.$&.pipe'), join(dir, 'copies')]
const given = process.env.TMPDIR

before(() => {
  mkdirSync(copies)
  execFileSync('mkfifo', [pipe])
  process.env.TMPDIR = copies
})
after(() => {
  if (given === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = given
  rmSync(dir, { recursive: true, force: true })
})

async function read(text: string, options = {}) {
  const [read] = await Promise.allSettled([
    readRecordFiles([pipe], options, () => {}),
    writeFile(pipe, text),
  ])
  assert.deepEqual(readdirSync(copies), [], 'the copy of the pipe is removed')
  return read.status === 'fulfilled' ? read.value.records.length : String(read.reason)
}

test('the copy of a pipe is removed after success and after each error, and not named', async () => {
  assert.equal(await read('{"source":"crm","id":"1","fields":{"name":"Anna"}}\n'), 1)
  assert.match(String(await read('{"id":"1"}\n', { id: 'id' })), /pipe: --id names a column/)
  assert.match(String(await read('{"a":1}\n')), /records\.\$&\.pipe holds no record/)
  const noColumn = String(await read('name,city\nAnna,Ulm\nBert,Kiel\n', { id: 'nr' }))
  assert.ok(noColumn.includes(`${pipe}: `) && !noColumn.includes(copies), noColumn)
})
