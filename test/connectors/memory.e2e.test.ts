import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-memory-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const rows = 200_000
const heapMbMax = 48
const reader = fileURLToPath(new URL('../../connectors/file/rows.ts', import.meta.url))

/** Writes some 60 MB, more than the heap of the reader. */
function write(name: string, head: string, row: (i: number) => string, foot: string): string {
  const path = join(dir, name)
  const fd = openSync(path, 'w')
  writeSync(fd, head)
  for (let i = 0; i < rows; i += 1_000)
    writeSync(fd, Array.from({ length: 1_000 }, (_, j) => row(i + j)).join(''))
  writeSync(fd, foot)
  closeSync(fd)
  return path
}

const text = 'x'.repeat(300)
const files: [string, () => string][] = [
  ['CSV', () => write('a.csv', 'id,text\n', (i) => `${i},"${text}"\n`, '')],
  ['NDJSON', () => write('a.ndjson', '', (i) => `{"id":${i},"text":"${text}"}\n`, '')],
  [
    'JSON',
    () =>
      write(
        'a.json',
        '{"records":[',
        (i) => `${i > 0 ? ',' : ''}{"id":${i},"text":"${text}"}`,
        ']}',
      ),
  ],
]

for (const [format, make] of files)
  test(`${format}: reads a file that is larger than the heap`, () => {
    const script = `import { fileRows } from ${JSON.stringify(reader)}; let n = 0; for await (const r of fileRows(${JSON.stringify(make())})) n += r.text.length > 300 ? 1 : 0; console.log(n)`
    const run = spawnSync(
      process.execPath,
      [`--max-old-space-size=${heapMbMax}`, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    )
    assert.equal(run.stdout.trim(), String(rows), run.stderr.slice(-500))
  })
