import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The tests that need neither a database nor processes of their own (x.test.ts), in one process: in
 * one each they would take twice the time, most of it to load the same modules. Its name is the
 * first in the order in which files are run: it takes longest.
 */
const files = globSync('**/*.test.ts', { cwd: import.meta.dirname })
  .filter((file) => !/\.(pg|e2e)\.test\.ts$/.test(file))
  .sort()

// --test-force-exit ends the process with its last test; results that the runner has not taken by
// then would not be told.
const resultsMs = 2_000
after(async () => await sleep(resultsMs))

// The first of them, and the others wait for it: or the run would be over when those known so far
// have ended.
const read = Promise.withResolvers<number>()
test('every file of pure tests is read', async () => assert.equal(await read.promise, files.length))
let count = 0
for (const file of files) {
  await import(new URL(file, import.meta.url).href)
  count++
}
read.resolve(count)
