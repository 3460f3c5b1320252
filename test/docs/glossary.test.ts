import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { document, files, readText } from './documents.ts'

describe('docs/GLOSSARY.md', () => {
  const rows = document('docs/GLOSSARY.md').prose.flatMap(({ text, line }) => {
    const [, term, meaning, code] = /^\| ([^|]+) \| (.+) \| `([^`|]+)` \|$/.exec(text) ?? []
    return term && meaning && code ? [{ term, meaning, code, line }] : []
  })

  test('names each term once', () => {
    assert.ok(rows.length >= 40, `${rows.length} terms`)
    assert.equal(new Set(rows.map((r) => r.term)).size, rows.length)
  })

  test('gives each term a name that exists in the code', () => {
    const code = files
      .filter((path) =>
        /^(schema|migrations|connectors|mdm|subgraphs|gateway|cli)\/.*\.(ts|sql|graphql)$/.test(
          path,
        ),
      )
      .map(readText)
      .join('\n')
    const missing = rows.filter((r) => !new RegExp(`\\b${r.code}\\b`).test(code))
    assert.deepEqual(
      missing.map((r) => `line ${r.line}: ${r.code}`),
      [],
    )
  })
})
