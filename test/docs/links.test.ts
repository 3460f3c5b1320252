import assert from 'node:assert/strict'
import { matchesGlob, posix } from 'node:path'
import { describe, test } from 'node:test'
import { documents, files, folders } from './documents.ts'

/** Ends of names that only files of the project have in the documents; others may be examples. */
const OWN = /\.(ts|sql)$/

describe('documents', () => {
  test('every relative link leads to a file, and to a heading where it names one', () => {
    const wrong = documents.flatMap(({ path, prose }) =>
      prose.flatMap(({ text, line }) =>
        [...text.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].flatMap(
          ([, target = '']) => {
            if (/^[a-z]+:/.test(target)) return []
            const [file = '', heading] = target.split('#')
            const to = file === '' ? path : posix.join(posix.dirname(path), file)
            const exists = files.includes(to) || folders.has(to.replace(/\/$/, ''))
            if (exists && (heading === undefined || headings(to).includes(heading))) return []
            return [`${path}:${line}: ${target}`]
          },
        ),
      ),
    )
    assert.deepEqual(wrong, [])
  })

  test('no document has the marks of a merge that was not finished', () => {
    const wrong = documents.flatMap(({ path, prose }) =>
      prose.flatMap(({ text, line }) =>
        /^(<{7}|>{7}|\|{7}) /.test(text) ? [`${path}:${line}: ${text}`] : [],
      ),
    )
    assert.deepEqual(wrong, [])
  })

  test('every decision has a number of its own', () => {
    const numbers = files.flatMap((file) => file.match(/^docs\/adr\/(\d{4})-/)?.[1] ?? [])
    const twice = numbers.filter((number, i) => numbers.indexOf(number) !== i)
    assert.deepEqual(twice, [])
    assert.ok(numbers.length > 40)
  })

  test('every path in backticks exists', () => {
    let checked = 0
    const wrong = documents.flatMap(({ path, prose }) =>
      prose.flatMap(({ text, line }) =>
        [...text.matchAll(/`([^`\s]+)`/g)].flatMap(([, name = '']) => {
          const candidates = pathsOf(name, path)
          if (candidates === null) return []
          checked++
          return candidates.some(exists) ? [] : [`${path}:${line}: ${name}`]
        }),
      ),
    )
    assert.deepEqual(wrong, [])
    assert.ok(checked > 100, `${checked} paths`)
  })

  test('every decision is in the index of decisions', () => {
    const index = documents.find((d) => d.path === 'docs/adr/README.md')
    for (const file of files.filter((f) => /^docs\/adr\/\d+-.*\.md$/.test(f)))
      assert.ok(
        index?.text.includes(`(${posix.basename(file)})`),
        `${file} is not in docs/adr/README.md`,
      )
  })

  test('every document is linked from another one', () => {
    const linked = new Set(
      documents.flatMap(({ path, text }) =>
        [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) => {
          const to = posix.join(posix.dirname(path), target)
          return folders.has(to.replace(/\/$/, '')) ? posix.join(to, 'README.md') : to
        }),
      ),
    )
    assert.deepEqual(
      documents.map((d) => d.path).filter((path) => path !== 'README.md' && !linked.has(path)),
      [],
    )
  })
})

/** The paths that a name in backticks may stand for, or null where it is none of the project's. */
function pathsOf(name: string, document: string): string[] | null {
  if (!/^[\w.*@-]+(\/[\w.*@-]+)*\/?$/.test(name)) return null
  const [first = ''] = name.split('/')
  const path = name.replace(/\/$/, '')
  const beside = posix.join(posix.dirname(document), path)
  if (name.includes('/') && (folders.has(first) || OWN.test(name))) return [path, beside]
  // A name without a folder may be that of a file anywhere.
  if (/^[a-z*][^/]*$/.test(name) && OWN.test(name)) return [beside, `**/${path}`]
  return null
}

function exists(path: string): boolean {
  if (!path.includes('*')) return files.includes(path) || folders.has(path)
  return files.some((file) => matchesGlob(file, path))
}

/** The anchors of a document, as GitHub makes them of its headings. */
function headings(path: string): string[] {
  return (documents.find((d) => d.path === path)?.prose ?? []).flatMap(({ text }) => {
    const title = /^#+ (.*)$/.exec(text)?.[1]
    if (title === undefined) return []
    return [
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ]
  })
}
