import { relative } from 'node:path'
import { after, describe } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** --test-force-exit ends a process with its last test; results not read by then would be lost. */
const resultsMs = 2_000

/** Runs files of tests in this process, one after the other; the hooks of a file are its own. */
export function together(urls: readonly string[]): void {
  after(async () => await sleep(resultsMs))
  for (const url of urls)
    describe(relative(process.cwd(), fileURLToPath(url)), async () => {
      await import(url)
    })
}
