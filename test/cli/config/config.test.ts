import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import {
  CONFIG,
  type ConfigName,
  configFromEnv,
  unknownVariables,
  withConfig,
} from '../../../cli/config/config.ts'
import { ConfigError } from '../../../schema/kit/configError.ts'

const ALL = Object.keys(CONFIG) as ConfigName[]

test('every unset setting has a valid default', () => {
  const config = configFromEnv(ALL, {})
  assert.equal(config.port, 4000)
  assert.equal(config.host, '127.0.0.1')
  assert.equal(config.databaseUrl, undefined)
  assert.deepEqual(config.subgraphs, new Map())
  for (const name of ALL)
    assert.ok(config[name] !== undefined || !('default' in CONFIG[name]), name)
})

test('a secret is refused as a flag, which every user of the machine can read, and accepted as a variable', async () => {
  const secret = 'x'.repeat(40)
  const flags = [
    ['--internal-secret', secret],
    ['--webhook-key', secret],
    ['--audit-keys', `a:${secret}`],
    ['--database-url', `postgres://u:${secret}@127.0.0.1/d`],
    ['--database-url', `postgres://u@127.0.0.1/d?password=${secret}`],
    ['--nats-url', `nats://u:${secret}@127.0.0.1:4222`],
    ['--nats-url', `nats://127.0.0.1:4222,nats://u:${secret}@127.0.0.1:4223`],
    ['--nats-url', `nats://${secret}@127.0.0.1:4222`],
    ['--database-owner-url', `postgres://u:${secret}@127.0.0.1/d`],
    ['--otlp-url', `http://u:${secret}@127.0.0.1:4318`],
  ]
  const run = async (args: string[]) =>
    await withConfig(new Command('x'), ALL)
      .action(() => {})
      .parseAsync(args, { from: 'user' })
  for (const args of flags)
    await assert.rejects(run(args), (e) => {
      assert.ok(e instanceof ConfigError)
      assert.match(
        e.message,
        /^--[a-z-]+ shows a secret to every user of this machine: set [A-Z_]+/,
      )
      return !e.message.includes(secret)
    })
  await run(['--database-url', 'postgres://u@127.0.0.1/d', '--nats-url', 'nats://127.0.0.1:4222'])
  process.env.TOUCHSTONE_WEBHOOK_KEY = secret
  try {
    await run([])
  } finally {
    delete process.env.TOUCHSTONE_WEBHOOK_KEY
  }
})

test('an empty variable counts as unset', () => {
  assert.equal(configFromEnv(['port'], { TOUCHSTONE_PORT: '' }).port, 4000)
})

test('an error about a wrong value names the variable and the allowed values', () => {
  const wrong: [string, string, RegExp][] = [
    [
      'TOUCHSTONE_PORT',
      '65536',
      /TOUCHSTONE_PORT is "65536"\. It must be a whole number from 0 to 65535/,
    ],
    ['TOUCHSTONE_PORT', '1e3', /whole number/],
    ['TOUCHSTONE_WORKERS', '0', /from 1 to 64/],
    ['TOUCHSTONE_HOST', 'http://x', /address or a name of this machine/],
    ['TOUCHSTONE_AUTHENTICATION', 'off', /"auto" or "required"/],
    ['TOUCHSTONE_AUTH_ISSUER', 'http://idp.example', /a URL with https/],
    ['TOUCHSTONE_AUTH_JWKS', 'file:///etc/keys', /a URL with https/],
    ['TOUCHSTONE_AUTH_ALGORITHMS', 'RS256,HS256', /one or several of RS256.*EdDSA/],
    ['TOUCHSTONE_AUTH_ALGORITHMS', 'none', /one or several of RS256/],
    ['TOUCHSTONE_AUTH_CLOCK_SKEW_SECONDS_MAX', '3600', /from 0 to 300/],
    ['TOUCHSTONE_AUTH_ROLES_CLAIM', 'a..b', /the name of a claim/],
    ['TOUCHSTONE_INTERNAL_SECRET', 'short', /32 characters or more/],
    ['TOUCHSTONE_OPERATIONS', 'all', /any or published/],
    ['TOUCHSTONE_NATS_URL', 'http://127.0.0.1:4222', /URLs like nats:/],
    ['TOUCHSTONE_NATS_SUBJECT', 'touchstone.>', /separated by full stops/],
    ['TOUCHSTONE_NATS_SCOPES', 'pii read', /scopes separated by commas/],
    ['TOUCHSTONE_FEED_FROM', 'kafka', /postgres or nats/],
    ['TOUCHSTONE_LOG_LEVEL', 'loud', /debug, info, warn, error or silent/],
    ['TOUCHSTONE_SUBGRAPHS', 'crm=ftp://x', /"local", or name=URL/],
    ['TOUCHSTONE_HOSTS_ALLOWED', 'a b', /separated by commas/],
  ]
  for (const [variable, value, message] of wrong)
    assert.throws(
      () => configFromEnv(ALL, { [variable]: value }),
      (e) => e instanceof ConfigError && message.test(e.message),
    )
})

test('parses the subgraphs that run as services, by name', () => {
  const { subgraphs } = configFromEnv(['subgraphs'], {
    TOUCHSTONE_SUBGRAPHS: 'crm=http://127.0.0.1:4101/graphql,erp=https://erp.example/graphql?x=1',
  })
  assert.deepEqual(
    [...subgraphs],
    [
      ['crm', 'http://127.0.0.1:4101/graphql'],
      ['erp', 'https://erp.example/graphql?x=1'],
    ],
  )
})

test('a flag wins over the variable; help names each flag, variable and default', async () => {
  const taken: unknown[] = []
  const command = withConfig(new Command('x'), ALL).action((options) => {
    taken.push(options)
  })
  const help = command.configureHelp({ helpWidth: 400 }).helpInformation()
  for (const name of ALL) {
    assert.ok(help.includes(`--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} `), name)
    assert.ok(help.includes(CONFIG[name].env), name)
  }
  assert.match(help, /--port .*default: 4000/)
  process.env.TOUCHSTONE_WORKERS = '3'
  process.env.TOUCHSTONE_DEPTH_MAX = '9'
  try {
    await command.parseAsync(['--workers', '5'], { from: 'user' })
  } finally {
    delete process.env.TOUCHSTONE_WORKERS
    delete process.env.TOUCHSTONE_DEPTH_MAX
  }
  const { workers, depthMax, port } = taken[0] as Record<string, unknown>
  assert.deepEqual({ workers, depthMax, port }, { workers: 5, depthMax: 9, port: 4000 })
})

test('finds variables that look like settings but are not', () => {
  const env = {
    TOUCHSTONE_AUTH_ISUER: 'https://id.example.org',
    TOUCHSTONE_AUTH_ISSUER: 'https://id.example.org',
    TOUCHSTONE_STRIPE_SECRET: 'whsec_1',
    TOUCHSTONE_TOKEN: 't',
    DATABASE_URL: 'postgres://a/b',
  }
  assert.deepEqual(unknownVariables(env), ['TOUCHSTONE_AUTH_ISUER'])
})
