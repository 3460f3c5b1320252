import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { command } from '../../cli/commands/connect.ts'
import { packagePath } from '../../cli/config/packagePath.ts'
import { readSources } from '../../connectors/sources.ts'
import { chargebee } from '../../demo/systems/chargebee/chargebee.ts'
import type { ModelSystem } from '../../demo/systems/kit/model.ts'
import { runCommand } from '../cli/runCommand.ts'
import { KINDS_WITH_MODELS } from './kindCases.ts'
import { Secret } from './pulledSystem.ts'

const comment = '# The source systems of this test.\n'
let folder: string
let sources: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'touchstone-connect-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the command on a file with one source system, which only sends. */
async function connect(args: string[], env: Record<string, string> = {}) {
  return await runCommand(command, [...args, '--sources', sources], env)
}

function newFile(): void {
  sources = join(mkdtempSync(join(folder, 'f-')), 'sources.yaml')
  writeFileSync(
    sources,
    `${comment}sources:\n  - { name: stripe, kind: stripe, role: BILLING, trust: 0.6 }\n`,
  )
}

describe('the command connect', () => {
  for (const kind of KINDS_WITH_MODELS.filter((k) => !k.open))
    test(`${kind.model.kind}: tests the credential and writes the entry, without the secret`, async (t) => {
      newFile()
      const system = await kind.model.open({ seed: 1, limits: 'none' })
      t.after(() => system.close())
      system.fill(3, 1)
      const env: Record<string, string> = {}
      const flags = Object.entries(kind.connection(system)).flatMap(([name, value]) => {
        if (!(value instanceof Secret)) return ['--set', `${name}=${String(value)}`]
        env[`C_${name.toUpperCase()}`] = value.text
        return ['--secret', `${name}=env:C_${name.toUpperCase()}`]
      })
      const name = `${kind.model.kind}-eu`
      const args = [kind.model.kind, '--name', name, ...flags, '--private-addresses', '--yes']
      const { code, output } = await connect(args, env)
      assert.equal(code, 0, output)
      const added = readSources(sources).find((s) => s.system.name === name)
      assert.equal(added?.system.role, kind.role)
      for (const object of added?.connection?.objects ?? [])
        assert.match(output, new RegExp(`^ {2}${object} +can be read`, 'm'))
      assert.match(output, /^limits: .*\d/m)
      const text = readFileSync(sources, 'utf8')
      assert.ok(text.startsWith(comment))
      for (const secret of Object.values(env))
        assert.ok(!text.includes(secret) && !output.includes(secret))
      assert.deepEqual(system.requests().unknown, [])
    })
})

describe('what connect finds', () => {
  let system: ModelSystem
  let flags: string[]
  let env: Record<string, string>
  before(async () => {
    system = await chargebee.open({ seed: 1, limits: 'none' })
    const { site = '', apiKey = '' } = system.credentials
    flags = ['--set', `site=${site}`, '--secret', 'apiKey=env:C_KEY']
    flags.push('--set', `base=${system.url}`, '--private-addresses', '--yes')
    env = { C_KEY: apiKey }
  })
  after(() => system.close())

  async function refused(args: string[], reason: RegExp, given = env) {
    newFile()
    const unchanged = readFileSync(sources, 'utf8')
    const { code, output } = await connect(['chargebee', ...args], given)
    assert.equal(code, 1, output)
    assert.match(output, reason)
    assert.equal(readFileSync(sources, 'utf8'), unchanged)
    return output
  }

  test('a wrong credential: one request says so, and nothing is written', async () => {
    const before = system.requests().count
    await refused(flags, /SIGN_IN_REFUSED: .*the API key is not one of this site/, { C_KEY: 'x' })
    assert.ok(system.requests().count - before <= 2)
  })

  test('a secret that is not set', async () => {
    await refused(flags, /NO_SECRET: .*the environment variable C_KEY is not set/, {})
  })

  test('a missing permission of one object: what to do, and how to leave it out', async (t) => {
    system.faults.add({ kind: 'forbidden' }, /GET \/api\/v2\/invoices/, Number.POSITIVE_INFINITY)
    t.after(() => system.faults.clear())
    const output = await refused(flags, / {2}invoice +FORBIDDEN .*give it read access/)
    const [, others = ''] = /--objects (\S+?)\.$/m.exec(output) ?? []
    assert.ok(others.includes('customer') && !others.includes('invoice'))
    const { code } = await connect(['chargebee', ...flags, '--objects', others], env)
    assert.equal(code, 0)
    const [, added] = readSources(sources)
    assert.deepEqual(added?.connection?.objects.join(), others)
  })

  test('a host that cannot be reached', async () => {
    const base = flags.map((f) => (f.startsWith('base=') ? 'base=http://127.0.0.1:1' : f))
    await refused(base, /UNREACHABLE: .*127\.0\.0\.1:1 cannot be reached/)
  })

  test('a private address, which is refused without the flag', async () => {
    const base = flags.map((f) => (f.startsWith('base=') ? 'base=https://127.0.0.1:1' : f))
    const own = base.filter((f) => f !== '--private-addresses')
    await refused(own, /PRIVATE_ADDRESS: [\s\S]*--private-addresses/)
    await refused(
      flags.filter((f) => f !== '--private-addresses'),
      /base: must begin with https.*--private-addresses/,
    )
  })

  test('a certificate that is not accepted', async (t) => {
    const dir = mkdtempSync(join(folder, 'tls-'))
    const made = spawnSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
        .concat(['-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=localhost'])
        .concat(['-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']),
      { cwd: dir },
    )
    if (made.status !== 0) return t.skip('there is no openssl to make certificates')
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(dir, name)))
    const server = createServer({ key, cert }, (_, res) => res.end('{}'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const base = flags.map((f) => (f.startsWith('base=') ? `base=https://127.0.0.1:${port}` : f))
    await refused(base, /CERTIFICATE_REFUSED: .*the certificate is not accepted/)
  })

  test('settings that do not fit, each with the flag and the reason', async () => {
    const site = ['--set', 'site=a b', '--yes']
    await refused(site, /--set site: "a b" is not the name of the site/)
    await refused(['--set', 'sites=a', '--yes'], /no setting "sites"; there are site, apiKey/)
    await refused(['--set', 'apiKey=sk', '--yes'], /apiKey is a secret.*--secret apiKey=env:NAME/)
    const typed = await refused(['--secret', 'apiKey=sk_live', '--yes'], /never typed in/)
    assert.ok(!typed.includes('sk_live'))
    await refused(['--set', 'site=a', '--yes'], /needs apiKey \(a read-only API key/)
    await refused([...flags, '--objects', 'customers'], /no object "customers".*it has customer,/)
    await refused([...flags, '--name', 'A b'], /--name A b: lower-case letters/)
  })

  test('a name that is taken is refused, and its entry can be tested', async () => {
    newFile()
    assert.equal((await connect(['chargebee', ...flags], env)).code, 0)
    const again = await connect(['chargebee', ...flags], env)
    assert.match(again.output, /has chargebee with a connection already/)
    assert.equal((await connect(['chargebee', '--test', '--yes'], env)).code, 0)
    const wrong = await connect(['chargebee', '--test', '--yes'], { C_KEY: 'x' })
    assert.deepEqual([wrong.code, /SIGN_IN_REFUSED/.test(wrong.output)], [1, true])
    const other = await connect(['stripe', '--name', 'chargebee', '--yes'])
    assert.match(other.output, /chargebee is of the kind chargebee/)
  })

  test('a source system that only sends gets a connection; a dry run shows it and writes nothing', async () => {
    newFile()
    const secret = ['stripe', '--secret', 'secretKey=file:key', '--yes']
    const dry = await connect([...secret, '--dry-run'])
    assert.match(dry.stdout, /^connection:\n {2}secretKey: \{ file: /)
    assert.equal(readSources(sources)[0]?.connection, undefined)
    const { code, output } = await connect([...secret, '--untested'])
    assert.equal(code, 0, output)
    assert.match(output, /key cannot be read \(ENOENT\) here/)
    assert.ok(readSources(sources)[0]?.connection)
  })

  test('what no flag gives is asked for, until it fits', async (t) => {
    newFile()
    system.faults.add({ kind: 'forbidden' }, /GET \/api\/v2\/invoices/, Number.POSITIVE_INFINITY)
    t.after(() => system.faults.clear())
    const answers = ['a b', 'acme', 'sk_live_1', 'env:C_KEY', 'perMinute=0', 'perMinute=900']
    answers.push(`base=${system.url}`, 'y', '', 'y')
    const { code, output } = await answered(['chargebee', '--sources', sources], answers, env)
    assert.equal(code, 0, output)
    assert.match(output, /"a b" is not the name of the site/)
    assert.match(output, /a secret is never typed in/)
    assert.match(output, /must be a number of at least 1/)
    assert.match(output, /must begin with https/)
    const [, added] = readSources(sources)
    assert.deepEqual(Object.fromEntries(added?.connection?.values ?? []), {
      ...{ site: 'acme', base: system.url, perMinute: '900' },
    })
    assert.equal(added?.connection?.privateAddresses, true)
    assert.ok(!added?.connection?.objects.includes('invoice'))
    const ended = await answered(['chargebee', '--name', 'b', '--sources', sources], ['acme'])
    assert.equal(ended.code, 1)
    assert.match(ended.output, /Nothing was written: the input ended/)
  })
})

/** Runs the command in a process of its own, with lines for its questions. */
async function answered(args: string[], answers: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [packagePath('cli/main.ts'), 'connect', ...args], {
    env: { ...process.env, ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += String(chunk)
    })
  child.stdin.end(`${answers.join('\n')}\n`)
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, output }
}
