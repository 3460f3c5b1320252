import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../cli/process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const parts = [
  'cli',
  'config',
  'connectors',
  'demo',
  'gateway',
  'mdm',
  'migrations',
  'schema',
  'subgraphs',
]

/** Replaces a text in a file and returns its line number. */
function spoil(file: string, right: string, wrong: string): number {
  const text = readFileSync(file, 'utf8')
  const at = text.indexOf(right)
  assert.ok(at >= 0, `${file} has "${right}"`)
  writeFileSync(file, text.slice(0, at) + wrong + text.slice(at + right.length))
  return text.slice(0, at).split('\n').length
}

const MISTAKES: [what: string, file: string, right: string, wrong: string, says: RegExp][] = [
  [
    'a policy that names an unknown field',
    'schema/model/customer.graphql',
    'when: { field: "lifecycle"',
    'when: { field: "lifecycel"',
    /lifecycel.*lifecycle/s,
  ],
  ['sources that are not YAML', 'config/sources.yaml', 'trust: 0.8', 'trust: @0.8', /./],
]

test('refuses to start with a mistake in the policy or the sources, naming file, line and correction', async (t) => {
  const copy = mkdtempSync(join(tmpdir(), 'touchstone-settings-'))
  t.after(() => rmSync(copy, { recursive: true, force: true }))
  for (const part of [...parts, 'package.json', 'supergraph.graphql'])
    cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const [what, file, right, wrong, says] of MISTAKES) {
    const path = join(copy, file)
    const before = readFileSync(path)
    const line = spoil(path, right, wrong)
    const { DATABASE_URL: _, ...env } = process.env
    const start = run(process.execPath, [join(copy, 'cli/main.ts'), 'start', '--port', '0'], {
      ...env,
      TOUCHSTONE_DATA_DIR: join(copy, 'data'),
    })
    assert.equal(await start.ended, 1, what)
    assert.match(start.output(), new RegExp(`${file.split('/').at(-1)}:${line}\\b`), what)
    assert.match(start.output(), says, what)
    assert.doesNotMatch(start.output(), /^\s+at /m, `${what}: a message, no stack`)
    writeFileSync(path, before)
  }
})
