import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { openConnection } from '../../../mdm/db/database.ts'
import { isTransientDatabaseError } from '../../../mdm/db/isTransientDatabaseError.ts'
import {
  authentication,
  FORGED_ROW,
  impostor,
  md5Answer,
  message,
  OK,
  READY,
  SASL,
  type ScramChanges,
  type Script,
  scramServer,
} from './impostor.ts'

const password = 'the-secret-of-the-test'
const user = 'touchstone'
const salt = Buffer.from([1, 2, 3, 4])
const MD5 = authentication(5, salt)
const REFUSAL = message('E', 'SFATAL\0C28P01\0Mpassword authentication failed\0\0')
/** A text in a statement: nobody but the proven server may read it. */
const secret = 'a-value-of-the-statement'

const always =
  (...replies: Buffer[]): Script =>
  (_, n) =>
    n === 0 ? Buffer.concat(replies) : null

async function attempt(
  t: TestContext,
  script: Script,
  { parameters = '', as = `${user}:${password}` } = {},
) {
  const it = await impostor(t, script)
  const sql = openConnection(`postgres://${as}@127.0.0.1:${it.port}/none${parameters}`, {
    connectSecondsMax: 2,
  })
  try {
    const rows = await sql.unsafe(`select '${secret}'`)
    return { rows: [...rows], error: null, received: it.received() }
  } catch (e) {
    assert.ok(e instanceof Error)
    return { rows: null, error: e, received: it.received() }
  } finally {
    await sql.end({ timeout: 0.1 })
  }
}

async function refuses(
  t: TestContext,
  script: Script,
  reason: RegExp,
  options: { parameters?: string; as?: string } = {},
) {
  const { error, received } = await attempt(t, script, options)
  assert.match(error?.message ?? 'it was accepted', /^AUTHENTICATION_REFUSED: /)
  assert.match(error?.message ?? '', reason)
  assert.equal(isTransientDatabaseError(error), false, 'waiting does not help')
  for (const hidden of [password, secret]) assert.ok(!received.includes(hidden), received)
  return received
}

test('never sends the password to a server that asks for it in cleartext', async (t) => {
  for (const parameters of [
    '',
    '?require_auth=md5',
    '?require_auth=password',
    '?require_auth=none',
  ])
    await refuses(t, always(authentication(3)), /cleartext.*scram-sha-256/, { parameters })
})

test('sends an MD5 password only if the URL allows it', async (t) => {
  const received = await refuses(t, always(MD5), /require_auth=md5/)
  assert.doesNotMatch(received, /md5/)
  const allowed = await attempt(t, (_, n) => (n === 0 ? MD5 : REFUSAL), {
    parameters: '?require_auth=scram-sha-256,md5',
  })
  assert.match(allowed.error?.message ?? '', /password authentication failed/)
  assert.ok(allowed.received.includes(md5Answer(password, user, salt)))
  assert.doesNotMatch(allowed.received, /require_auth/, 'it is for the client')
})

describe('with a password, a server is refused that', () => {
  const early = message('S', 'server_version\x0018\0')
  const CASES: [string, Script, RegExp][] = [
    ['asks for none', always(OK, READY, FORGED_ROW), /asks for no password/],
    ['says at once that it is ready', always(READY, FORGED_ROW), /before authentication has ended/],
    ['sends its parameters first', always(early, OK, READY), /before authentication has ended/],
    ['sends rows first', always(FORGED_ROW), /before authentication has ended/],
    ['ends SCRAM before it begins', always(authentication(12, 'v=AAAA'), OK), /has not begun/],
    ['continues SCRAM before it begins', always(authentication(11, 'r=x,s=x,i=1')), /has begun/],
    ['begins SCRAM twice', always(SASL, SASL), /second exchange/],
    ['changes from SCRAM to MD5', always(SASL, MD5), /MD5|second/],
    ['ends right after it began', always(SASL, OK, READY, FORGED_ROW), /before it has proven/],
    ['offers channel binding alone', always(authentication(10, 'SCRAM-SHA-256-PLUS\0\0')), /offer/],
    ['offers no mechanism', always(authentication(10, '\0')), /does not offer/],
    ['asks for Kerberos', always(authentication(2)), /type 2/],
    ['asks for GSSAPI', always(authentication(7)), /type 7/],
    ['asks for SSPI', always(authentication(9)), /type 9/],
    ['asks for something unknown', always(authentication(4_000_000_000)), /type 4000000000/],
    ['sends half a request', always(message('R', 'x')), /./],
    [
      'sends a message without end',
      always(Buffer.concat([Buffer.from('R'), Buffer.from('7fffffff', 'hex')]), OK),
      /2147483647 bytes/,
    ],
  ]
  for (const [what, script, reason] of CASES)
    test(what, async (t) => void (await refuses(t, script, reason)))
})

describe('a server is refused that follows SCRAM but', () => {
  const other = Buffer.alloc(32, 7).toString('base64')
  const CASES: [string, ScramChanges, RegExp][] = [
    ['never proves that it knows the password', { final: () => null }, /before it has proven/],
    ['proves it wrongly', { final: () => authentication(12, `v=${other}`) }, /signature/],
    ['proves half of it', { final: (v) => authentication(12, `v=${v.slice(0, 20)}`) }, /signature/],
    ['proves nothing', { final: () => authentication(12, 'v=') }, /signature/],
    [
      'reports an error as proof',
      { final: () => authentication(12, 'e=other-error') },
      /signature/,
    ],
    [
      'proves it before it was asked',
      { early: (v) => Buffer.concat([authentication(12, `v=${v}`), OK, READY, FORGED_ROW]) },
      /has not begun/,
    ],
    [
      'ends before it was asked',
      { early: () => Buffer.concat([OK, READY]) },
      /before it has proven/,
    ],
    ['begins again in between', { early: () => SASL }, /second exchange/],
    ['has a nonce of its own', { nonce: (c) => `x${c}` }, /nonce/],
    ['has our nonce', { nonce: (c) => c }, /nonce/],
    ['has no salt', { salt: '' }, /first message/],
    ['has a salt that is none', { salt: '!' }, /first message/],
    ...['0', '-1', '00', '4096x', '1e9', '', '99999999999999'].map(
      (iterations): [string, ScramChanges, RegExp] => [
        `asks for "${iterations}" iterations`,
        { iterations },
        /first message/,
      ],
    ),
    ...['1', '4095', '1000001', '999999999'].map((iterations): [string, ScramChanges, RegExp] => [
      `asks for ${iterations} iterations`,
      { iterations },
      /4096 to 1000000; set scram_iterations/,
    ]),
  ]
  for (const [what, changes, reason] of CASES)
    test(what, async (t) => void (await refuses(t, scramServer(password, changes), reason)))
  test('knows another password', async (t) => {
    await refuses(t, scramServer('another'), /signature/)
  })
})

test('a server that proves that it knows the password gets the statement', async (t) => {
  const { rows, received } = await attempt(t, scramServer(password))
  assert.deepEqual(rows, [{ x: 'owned!' }])
  assert.ok(received.includes(secret))
  assert.ok(!received.includes(password))
})

test('without a password a server that asks for none is accepted, unless the URL forbids it', async (t) => {
  const trusting: Script = (_, n) => (n === 0 ? Buffer.concat([OK, READY]) : FORGED_ROW)
  const as = user
  assert.deepEqual((await attempt(t, trusting, { as })).rows, [{ x: 'owned!' }])
  await refuses(t, trusting, /require_auth/, { as, parameters: '?require_auth=scram-sha-256' })
  await refuses(t, scramServer(password), /none is given/, { as })
  // An operator whose server trusts its network may say so.
  assert.ok((await attempt(t, trusting, { parameters: '?require_auth=none' })).rows)
})

test('a password in the parameters of the URL is not sent as a setting, and others are refused', async (t) => {
  const parameters = `?password=${password}`
  const { rows } = await attempt(t, scramServer(password), { as: user, parameters })
  assert.ok(rows)
  await refuses(t, always(OK, READY), /asks for no password/, { as: user, parameters })
  await assert.rejects(
    attempt(t, always(OK), { parameters: '?sslpassword=x' }),
    /sslpassword of a database URL is not supported/,
  )
})

test('a password file is read for each connection, and refused if others may read it', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-passfile-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'passwords')
  const options = { as: user, parameters: `?passfile=${file}` }
  const write = (text: string) => writeFileSync(file, text, { mode: 0o600 })
  await refuses(t, scramServer(password), /ENOENT/, options)
  write(`# of the test\n*:*:*:other:wrong\n127.0.0.1:*:none:${user}:${password}\n`)
  assert.ok((await attempt(t, scramServer(password), options)).rows)
  write(`*:*:*:${user}:a\\:new\\\\one\n`)
  assert.ok((await attempt(t, scramServer('a:new\\one'), options)).rows)
  write(`*:*:other:${user}:${password}\n`)
  await refuses(t, scramServer(password), /has no line for user touchstone/, options)
  chmodSync(file, 0o640)
  await refuses(t, scramServer(password), /other users may read/, options)
})
