import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readLabelFile, readLabelRows } from '../../../../cli/commands/input/labelFile.ts'
import { recordKey } from '../../../../schema/recordKey.ts'

const file = join(mkdtempSync(join(tmpdir(), 'touchstone-labels-')), 'labels.csv')
const read = async (text: string) => {
  writeFileSync(file, text)
  return await readLabelFile(file)
}
const [A, B] = [recordKey('crm', 'account', 'x/1'), recordKey('billing', 'customer', '2')]
const sorted = (a: string, b: string) => (a < b ? { a, b } : { a: b, b: a })

test('reads records by key or name, with columns in any order, and each pair once', async () => {
  assert.deepEqual(
    await read(`\ufeffsame,a,note,b\r\n1, crm/account/x/1 ,"so, yes",${B.toUpperCase()}\r\n\r\n`),
    [{ ...sorted(A, B), same: true }],
  )
  assert.deepEqual(await read(`a,b,same\n${A},${B},no\n${B},${A},0\n`), [
    { ...sorted(A, B), same: false },
  ])
  assert.deepEqual(await read('a,b,same\n'), [])
})

test('an error about an unusable line names the line and the correct form', async () => {
  for (const [text, says] of [
    ['', /empty; the first line has to name the columns a, b and same/],
    ['x,y\n1,2\n', /:1: the first line has to name the columns a, b and same; it names x, y/],
    [`a,b,same\n${A},${B},maybe`, /:2: same is "maybe"; it has to be 1 or 0/],
    [`a,b,same\n\n${A},,1`, /:3: a and b have to be given/],
    [`a,b,same\n${A},crm/account/x/1,1`, /:2: a and b are one record/],
    [`a,b,same\n${A},${B},1\n${B},${A},0`, /:3: line 2 states the opposite/],
  ] as const)
    await assert.rejects(read(text), says)
  await assert.rejects(readLabelFile(`${file}.none`), /ENOENT/)
})

test('a file that will be written again is refused if that would lose columns', async () => {
  writeFileSync(file, `a,b,same\n${A},${B},unsure\n`)
  assert.deepEqual(await readLabelRows(file), [{ a: A, b: B, answer: 'UNSURE' }])
  writeFileSync(file, `a,b,same,note\n${A},${B},1,"by Ines"\n`)
  await assert.rejects(readLabelRows(file), /:1: what is not in the columns a, b and same.*note/)
  writeFileSync(file, `a,b,same\n${A},${B},1,by Ines\n`)
  await assert.rejects(readLabelRows(file), /:2: .* would be lost .*by Ines.*name another file/)
})
