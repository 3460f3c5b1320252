import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { packagePath } from '../../../../cli/config/packagePath.ts'

// A terminal of its own for the program: `script` of util-linux, where it is installed.
const isThere = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes(
  'util-linux',
)

test('a secret that is typed into a terminal is not shown, and other answers are', {
  skip: isThere ? false : 'script (util-linux) is not installed',
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'touchstone-hidden-'))
  const sources = join(folder, 'sources.yaml')
  copyFileSync(packagePath('config/sources.yaml'), sources)
  const command = [process.execPath, packagePath('bin/touchstone.js'), 'connect', 'chargebee']
    .concat('--name', 'eu', '--sources', sources, '--dry-run')
    .map((word) => `'${word}'`)
    .join(' ')
  const program = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, NO_COLOR: '1', TERM: 'xterm', COLUMNS: '120' },
  })
  t.after(() => {
    program.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  let screen = ''
  let seen = 0
  program.stdout.on('data', (chunk: Buffer) => {
    screen += chunk
  })
  const answer = async (question: RegExp, text: string) => {
    for (let n = 0; n < 3_000 && !question.test(screen.slice(seen)); n++) await sleep(20)
    assert.match(screen.slice(seen), question)
    seen = screen.length
    program.stdin.write(`${text}\r`)
  }
  const exit = new Promise<number | null>((resolve) => program.once('exit', resolve))
  await answer(/site.*: /, 'acme-shown')
  await answer(/apiKey, not shown \[env:EU_API_KEY\]: /, 'live_s3cret')
  // The key Up brings no earlier answer back.
  await answer(/never typed in[\s\S]*apiKey, not shown .*: /, '\x1b[Aenv:OTHER_KEY')
  await answer(/read from OTHER_KEY[\s\S]*Enter goes on: /, '')
  assert.equal(await exit, 0, screen)
  assert.match(screen, /acme-shown/)
  assert.doesNotMatch(screen, /s3cret/)
  assert.match(screen, /env: OTHER_KEY/)
})
