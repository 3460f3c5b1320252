import { globSync } from 'node:fs'

/**
 * The tests that need neither a database nor processes of their own (x.test.ts), in one process: in one each they would take
 * twice the time, most of it to load the same modules.
 */
for (const file of globSync('**/*.test.ts', { cwd: import.meta.dirname }).sort())
  if (!/\.(pg|e2e)\.test\.ts$/.test(file)) await import(new URL(file, import.meta.url).href)
