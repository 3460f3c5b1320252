import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { buildConsole, consoleFolder } from '../../../cli/server/consoleBuild.ts'

/** Kilobytes (1,000 bytes) after gzip, of scripts and styles. */
const firstRouteKbMax = 160
const chunkKbMax = 60

/** Name of the screen that /console shows first: FIRST_PATH in console/app/screens.ts. */
const firstScreen = 'queue'

describe('the weight of the console', () => {
  let kb: Map<string, number>
  let entry: string
  before(async () => {
    await buildConsole()
    const assets = join(consoleFolder, 'assets')
    kb = new Map(
      readdirSync(assets).map((name) => [
        name,
        gzipSync(readFileSync(join(assets, name))).length / 1_000,
      ]),
    )
    const page = readFileSync(join(consoleFolder, 'index.html'), 'utf8')
    entry = /src="\/console\/assets\/(index-[\w-]+\.js)"/.exec(page)?.[1] ?? ''
  })

  /** Returns the files that the page loads before it shows the first screen. */
  const firstRoute = (): string[] => {
    const page = readFileSync(join(consoleFolder, 'index.html'), 'utf8')
    const inPage = [...page.matchAll(/(?:src|href)="\/console\/assets\/([\w.-]+)"/g)]
    const script = readFileSync(join(consoleFolder, 'assets', entry), 'utf8')
    // Vite names the files that a lazy part needs by their places in one list.
    const list: string[] = JSON.parse(/m\.f=(\[[^\]]*\])/.exec(script)?.[1] ?? '[]')
    const lazy = new RegExp(
      `import\\([^)]*/${firstScreen}-[\\w-]+\\.js[^)]*\\),__vite__mapDeps\\(\\[([\\d,]*)\\]`,
    ).exec(script)
    const places = lazy?.[1]?.split(',').map(Number) ?? []
    const parts = places.map((n) => list[n]?.replace(/^assets\//, '') ?? '')
    return [...new Set([...inPage.map((m) => m[1] ?? ''), ...parts])]
  }

  test(`the first route is at most ${firstRouteKbMax} KB`, (t) => {
    const files = firstRoute()
    assert.ok(
      files.some((f) => f.startsWith(`${firstScreen}-`) && f.endsWith('.js')),
      `the script of the first screen is among them: ${files}`,
    )
    const sum = files.reduce((total, f) => total + (kb.get(f) ?? Number.NaN), 0)
    t.diagnostic(`${sum.toFixed(1)} KB in ${files.length} files`)
    assert.ok(sum <= firstRouteKbMax, `${sum} KB: ${files}`)
  })

  test(`no other file is larger than ${chunkKbMax} KB`, (t) => {
    const others = [...kb].filter(([name]) => name !== entry).sort((a, b) => b[1] - a[1])
    assert.ok(others.length > 3, 'screens are files of their own')
    t.diagnostic(`largest: ${others[0]?.[0]}, ${others[0]?.[1].toFixed(1)} KB`)
    assert.deepEqual(
      others.filter(([, size]) => size > chunkKbMax),
      [],
    )
  })
})
