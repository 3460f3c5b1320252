import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { packagePath } from '../../cli/config/packagePath.ts'

const commands = readdirSync(packagePath('cli/commands'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))

test('output that cannot be written is an error, and a pipe that is closed is none', {
  skip: existsSync('/dev/full') ? false : 'no /dev/full',
}, () => {
  const graph = (to: string) =>
    spawnSync(
      '/bin/sh',
      ['-c', `"$0" "$1" schema sdl ${to}`, process.execPath, packagePath('cli/main.ts')],
      {
        encoding: 'utf8',
      },
    )
  const full = graph('> /dev/full')
  assert.match(full.stderr, /the output could not be written: .*ENOSPC/)
  assert.equal(full.status, 1)
  const read = graph('| head -c 10')
  assert.deepEqual([read.stderr, read.status], ['', 0])
})

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
