import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { packagePath } from '../../cli/config/packagePath.ts'

const commands = readdirSync(packagePath('cli/commands'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))

test('help lists every command, and each command has its own help', async () => {
  const all = execFileSync(process.execPath, [packagePath('cli/main.ts'), '--help'], {
    encoding: 'utf8',
  })
  assert.ok(commands.length > 20)
  for (const name of commands) {
    assert.match(all, new RegExp(`^  ${name} `, 'm'))
    const { command } = (await import(packagePath(`cli/commands/${name}.ts`))) as {
      command: Command
    }
    assert.equal(command.name(), name)
    assert.match(command.helpInformation(), new RegExp(`^Usage: ${name} [^]*\\n  -h, --help `))
  }
})
