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
  const run = (command: string, main = packagePath('cli/main.ts')) =>
    spawnSync('/bin/sh', ['-c', `"$0" "$1" ${command}`, process.execPath, main], {
      encoding: 'utf8',
    })
  const launcher = packagePath('bin/touchstone.js')
  const COMMANDS: [string, string?][] = [
    ...[['schema sdl'], ['--version'], ['keys --help'], ['help keys']].map(([c = '']): [string] => [
      c,
    ]),
    ['--help', launcher],
  ]
  for (const [command, main] of COMMANDS) {
    const { stderr, status } = run(`${command} > /dev/full`, main)
    assert.match(stderr, /^touchstone: the output could not be written: .*ENOSPC.*\n$/, command)
    assert.equal(status, 1, command)
  }
  for (const command of ['schema sdl', '--help']) {
    const { stderr, status } = run(`${command} | head -c 10`)
    assert.deepEqual([stderr, status], ['', 0], command)
  }
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
