import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { projectCopy, runIn } from './projectCopy.ts'

const packages = fileURLToPath(new URL('../../node_modules', import.meta.url))
/** `npm run test:soak` installs all packages; otherwise the driver alone is missing. */
const isWhole = process.env.TOUCHSTONE_INSTALL === 'whole'
const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']

/** Copies all packages but the driver; as links to the same files where the disk is the same. */
function copyPackages(dir: string): void {
  const target = join(dir, 'node_modules')
  try {
    execFileSync('cp', ['-al', packages, target], { stdio: 'pipe' })
  } catch {
    rmSync(target, { recursive: true, force: true })
    cpSync(packages, target, { recursive: true, verbatimSymlinks: true })
  }
  rmSync(join(target, 'postgres'), { recursive: true })
  // The list of what is installed; npm would believe it.
  rmSync(join(target, '.package-lock.json'), { force: true })
}

test('every command that opens a database refuses an install without scripts until the driver is patched', (t) => {
  const dir = projectCopy(t)
  if (!isWhole) copyPackages(dir)
  const install = isWhole
    ? runIn(dir, 'npm', 'ci', '--omit=dev', ...flags)
    : runIn(dir, 'npm', 'install', ...flags)
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
