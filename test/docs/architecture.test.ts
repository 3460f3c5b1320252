import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { document, files, folders, readText } from './documents.ts'

const linesMax = 120
const page = document('ARCHITECTURE.md')

describe('ARCHITECTURE.md', () => {
  test(`has at most ${linesMax} lines`, () => {
    assert.ok(page.text.trimEnd().split('\n').length <= linesMax)
  })

  test('maps each folder of the first and second level, and nothing else', () => {
    const map = page.blocks.find((b) => b.language === '')
    assert.ok(map, 'no map')
    const mapped = mappedFolders(map.text)
    const tree = [...folders].filter((folder) => folder.split('/').length <= 2)
    assert.deepEqual(mapped.toSorted(), tree.toSorted())
  })

  test('names for each invariant a test file that mentions it', () => {
    const rows = page.prose.flatMap(({ text }) => {
      const [, invariant, tests] = /^\| (I\d+) \|.*\|([^|]*)\|$/.exec(text) ?? []
      return invariant
        ? [{ invariant, paths: [...(tests ?? '').matchAll(/`([^`]+)`/g)].map((m) => m[1] ?? '') }]
        : []
    })
    assert.ok(rows.length >= 10, `${rows.length} invariants`)
    for (const { invariant, paths } of rows) {
      for (const path of paths) assert.ok(files.includes(path), `${path} does not exist`)
      const mentions = paths.filter((path) => new RegExp(`\\b${invariant}\\b`).test(readText(path)))
      assert.ok(mentions.length > 0, `no test file of ${invariant} mentions it`)
    }
  })
})

/**
 * Reads the folders of a map. A line names one or several folders, separated by blanks, and then
 * may describe them. An indented name is a folder of the last name that was not, unless it has a
 * path of its own.
 */
function mappedFolders(map: string): string[] {
  const found: string[] = []
  let parent = ''
  for (const line of map.split('\n')) {
    const names = /^\s*((?:[\w.-]+\/(?:[\w.-]+\/)*\s+|[\w.-]+\/(?:[\w.-]+\/)*$)+)/.exec(line)?.[1]
    for (const name of names?.trim().split(/\s+/) ?? []) {
      const path = name.slice(0, -1)
      if (!line.startsWith(' ')) parent = path
      found.push(line.startsWith(' ') && !path.includes('/') ? `${parent}/${path}` : path)
    }
  }
  return found
}
