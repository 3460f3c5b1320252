import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { ours } from '../../cli/root.ts'

const help = (...args: string[]) =>
  execFileSync(process.execPath, [ours('cli/main.ts'), ...args, '--help'], { encoding: 'utf8' })

const commands = readdirSync(ours('cli'))
  .filter(
    (file) => file.endsWith('.ts') && /^export const command\b/m.test(readFileSync(join(ours('cli'), file), 'utf8')),
  )
  .map((file) => basename(file, '.ts'))

test('help lists every command there is, and each has help of its own', () => {
  const all = help()
  for (const name of commands) {
    assert.match(all, new RegExp(`^  ${name} `, 'm'))
    assert.match(help(name), new RegExp(`^Usage: touchstone ${name} `, 'm'))
  }
})
