import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { workerEnvironment } from '../../cli/config/workerEnvironment.ts'
import { childEnvironment } from '../../schema/kit/childEnvironment.ts'

const STARTS =
  /(?<![\w.])(?:spawn|spawnSync|execFile|execFileSync|exec|execSync|fork)\(|cluster\.fork\(/

/** Returns the lines that start a process and do not say with which environment. */
function withoutEnvironment(text: string): string[] {
  const lines = text.split('\n')
  return lines.filter((line, at) => {
    if (!STARTS.test(line)) return false
    const indent = /^ */.exec(line)?.[0].length ?? 0
    const after = lines.slice(at + 1)
    // To the line that closes the call.
    const end = after.findIndex(
      (l) => l.trim() !== '' && (/^ */.exec(l)?.[0].length ?? 0) <= indent,
    )
    const call = [line, ...after.slice(0, /\)\s*;?$/.test(line) ? 0 : end + 1)].join('\n')
    return !/env: childEnvironment\(|\.\.\.environment\b/.test(call)
  })
}

test('every child process of the product gets an environment of its own', () => {
  const files = globSync('{schema,connectors,mdm,subgraphs,gateway,cli,demo}/**/*.ts')
  assert.ok(files.length > 400)
  const starting = files.filter((f) => /child_process|node:cluster/.test(readFileSync(f, 'utf8')))
  assert.ok(starting.length >= 4, starting.join(', '))
  for (const file of starting)
    assert.deepEqual(
      withoutEnvironment(readFileSync(file, 'utf8')),
      [],
      `${file}: env: childEnvironment(…)`,
    )
})

test('the search for such calls finds planted ones', () => {
  assert.equal(withoutEnvironment(`  spawn('ls', [], { cwd: '/' })\n`).length, 1)
  assert.equal(withoutEnvironment(`  execFileSync(\n    'ls',\n    [],\n  )\n`).length, 1)
  assert.equal(withoutEnvironment(`  const w = cluster.fork({ A: 'b' })\n`).length, 1)
  assert.equal(
    withoutEnvironment(`  spawn('ls', [], {\n    env: childEnvironment(),\n  })\n`).length,
    0,
  )
  assert.equal(withoutEnvironment(`  const m = /a/.exec(text)\n`).length, 0)
})

test('a child process gets the named variables and no others; npm’s folders are not searched for programs', () => {
  const env = { PATH: '/project/node_modules/.bin:/bin', HOME: '/h', AWS_SECRET_ACCESS_KEY: 's' }
  assert.deepEqual(Object.keys(childEnvironment(['HOME'], { LC_ALL: 'C' }, env)).sort(), [
    'HOME',
    'LC_ALL',
    'PATH',
  ])
  assert.doesNotMatch(childEnvironment([], {}, env).PATH ?? '', /node_modules/)
  assert.equal(childEnvironment(['PATH'], {}, env).PATH, env.PATH)
  assert.deepEqual(Object.keys(childEnvironment(['constructor', '__proto__'], {}, env)), ['PATH'])
})

test('a gateway worker gets the settings and the secrets that the configuration names', () => {
  const mine = {
    TOUCHSTONE_PORT: '4711',
    STRIPE_WEBHOOK_SECRET: 'named by config/sources.yaml',
    AWS_SECRET_ACCESS_KEY: 'of the shell',
    GITHUB_TOKEN: 'of the shell',
  }
  Object.assign(process.env, mine)
  try {
    const env = workerEnvironment({ sources: undefined, ownSubgraphs: undefined }, { A: 'b' })
    assert.equal(env.TOUCHSTONE_PORT, '4711')
    assert.equal(env.STRIPE_WEBHOOK_SECRET, 'named by config/sources.yaml')
    assert.equal(env.A, 'b')
    assert.ok(!('AWS_SECRET_ACCESS_KEY' in env) && !('GITHUB_TOKEN' in env))
  } finally {
    for (const name of Object.keys(mine)) delete process.env[name]
  }
})
