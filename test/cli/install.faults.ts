import assert from 'node:assert/strict'
import { test } from 'node:test'
import { projectCopy, runIn } from './projectCopy.ts'

test('every command that opens a database refuses an install without scripts until the driver is patched', (t) => {
  const dir = projectCopy(t)
  const install = runIn(
    dir,
    'npm',
    'ci',
    '--ignore-scripts',
    '--omit=dev',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
  )
  assert.equal(install.code, 0, install.output)
  for (const command of [['migrate'], ['start', '--no-demo'], ['serve'], ['audit', 'verify']]) {
    const { code, output } = runIn(dir, process.execPath, 'bin/touchstone.js', ...command)
    // 2: the audit log could not be verified.
    assert.equal(code, command[0] === 'audit' ? 2 : 1, output)
    assert.match(output, /the installed Postgres driver is not patched/, command.join(' '))
  }
  assert.equal(runIn(dir, 'npm', 'run', 'postinstall').code, 0)
  const { output } = runIn(dir, process.execPath, 'bin/touchstone.js', 'migrate')
  assert.match(output, /does not respond/)
})
