import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import {
  entryText,
  type SourceEntry,
  sourcesSoFar,
  withEntry,
  writeEntry,
} from '../../../../cli/commands/connect/sourcesFile.ts'
import { packagePath } from '../../../../cli/config/packagePath.ts'

const entry: SourceEntry = {
  name: 'bill',
  kind: 'chargebee',
  role: 'BILLING',
  trust: 0.7,
  connection: { site: 'acme', apiKey: { env: 'KEY' }, perMinute: 1000 },
}

describe('a source system is added to a file of source systems', () => {
  const shipped = readFileSync(packagePath('config/sources.yaml'), 'utf8')
  const FORMS: Record<string, string> = {
    'as it is shipped': shipped,
    'with CRLF': shipped.replaceAll('\n', '\r\n'),
    'without indentation, with a comment at the end':
      'sources:\n- name: x # why\n  kind:   "generic"\n# the end\n',
    'with a block text, and a key after the list':
      'sources:\n    - name: x\n      a: |\n        one\n\n        two\n    # inside\n\nother: 1\n',
    'without a line break at the end': '# top\nsources:\n  - name: x\n    k: {a: 1}',
  }
  for (const [form, text] of Object.entries(FORMS))
    test(`${form}: every line of it stays as it is`, () => {
      const added = withEntry(text, entry)
      const before = parse(text) as { sources: unknown[] }
      assert.deepEqual(parse(added), { ...before, sources: [...before.sources, entry] })
      const isCrlf = text.includes('\r\n')
      const end = text.endsWith('\n') ? text : `${text}\n`
      const same = [...end].findIndex((c, i) => added[i] !== c)
      const from = same < 0 ? end.length : same
      assert.ok(added.endsWith(end.slice(from)), added)
      assert.equal(/(?<!\r)\n/.test(added), !isCrlf, 'line endings are those of the file')
    })

  test('a list in one line is written again, with the same values', () => {
    const added = withEntry('# top\nsources: [{ name: x, kind: generic }]\n', entry)
    assert.deepEqual(parse(added), { sources: [{ name: 'x', kind: 'generic' }, entry] })
    assert.match(added, /^# top/)
  })

  test('the first one is written where the list is empty, and where there is no file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'touchstone-connect-'))
    try {
      const first = { ...entry, connection: { site: 'acme', apiKey: { env: 'KEY' } } }
      for (const [name, text] of [
        ['empty.yaml', '# ours\nsources: []\n'],
        ['none.yaml', null],
      ] as const) {
        const path = join(folder, name)
        if (text !== null) writeFileSync(path, text)
        assert.deepEqual(sourcesSoFar(path), [])
        writeEntry(path, first, {})
        const written = sourcesSoFar(path)
        assert.deepEqual(
          written.map((s) => s.system.name),
          ['bill'],
        )
        const now = readFileSync(path, 'utf8')
        assert.ok(now.startsWith(text === null ? 'sources:\n' : '# ours\nsources:\n'), now)
        assert.doesNotMatch(now, /\[\s*\]|\{ *name/)
      }
      const wrong = join(folder, 'wrong.yaml')
      writeFileSync(wrong, 'sources: []\nsuorces: []\n')
      assert.throws(() => sourcesSoFar(wrong), /wrong\.yaml:2: .*suorces|wrong\.yaml:/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('connection: is added to the entry of that name, and nothing else is changed', () => {
    const text = shipped.replace('developmentSecret: whsec_development_stripe', '$& # mine')
    const added = withEntry(text, { ...entry, name: 'stripe' })
    const values = parse(added) as { sources: { name: string; connection?: unknown }[] }
    assert.deepEqual(values.sources.find((s) => s.name === 'stripe')?.connection, entry.connection)
    for (const source of values.sources) delete source.connection
    assert.deepEqual(values, parse(text))
    const lines = new Set(added.split('\n'))
    assert.deepEqual(
      text.split('\n').filter((line) => !lines.has(line)),
      [],
    )
  })
})

test('references to secrets stand in one line', () => {
  assert.match(entryText(entry), /\n {4}apiKey: \{ env: KEY \}\n/)
})
