import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs the tests that need neither a database nor processes (x.test.ts) in one process. One process
 * each would take twice the time, mostly to load the same modules. The file name comes first in the
 * run order, as it takes longest.
 */
const files = globSync('**/*.test.ts', { cwd: import.meta.dirname })
  .filter((file) => !/\.(pg|e2e)\.test\.ts$/.test(file))
  .sort()

// --test-force-exit ends the process with its last test; results that the runner has not read by
// then would be lost.
const resultsMs = 2_000
after(async () => await sleep(resultsMs))

// This test is the first, and the others wait for it. Otherwise the run would end with the tests
// known so far.
const read = Promise.withResolvers<number>()
test('every file of pure tests is loaded', async () =>
  assert.equal(await read.promise, files.length))
let count = 0
for (const file of files) {
  await import(new URL(file, import.meta.url).href)
  count++
}
read.resolve(count)
