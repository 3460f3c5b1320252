import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, readText } from './documents.ts'

const SECTIONS = ['Set up', 'What is read', 'What is lost']

test('each kind that can be asked has a page with its set-up, what is read, written and lost', () => {
  const kinds = files.flatMap(
    (path) => /^connectors\/(\w+)\/connection\.yaml$/.exec(path)?.[1] ?? [],
  )
  assert.ok(kinds.length > 10)
  const index = readText('docs/connections.md')
  const missing = kinds.flatMap((kind) => {
    const page = readText(`connectors/${kind}/README.md`)
    const isWritten = /^ {4}write:/m.test(readText(`connectors/${kind}/connection.yaml`))
    const wanted = isWritten ? [...SECTIONS, 'What is written'] : SECTIONS
    return [
      ...wanted.filter((title) => !page.includes(`\n## ${title}\n`)),
      ...(page.includes(`npx touchstone connect ${kind}\n`) ? [] : ['the command']),
      ...(index.includes(`(../connectors/${kind}/README.md)`) ? [] : ['the row in the index']),
    ].map((what) => `${kind}: ${what}`)
  })
  assert.deepEqual(missing, [])
})
