import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { configureAuditKeys } from '../../../cli/config/auditKeys.ts'
import { packagePath } from '../../../cli/config/packagePath.ts'
import { refuseOpenFiles } from '../../../cli/config/refuseOpenFiles.ts'
import { openDataDirectory } from '../../../cli/embeddedPostgres/dataDirectory.ts'
import { natsOptions } from '../../../cli/server/openNats.ts'
import { secretFile } from '../../../gateway/identity/development.ts'
import { renewDevelopmentSecret } from '../../../gateway/identity/developmentSecret.ts'
import { loadAuditKeys } from '../../../mdm/audit/auditKeys.ts'
import { driverTarget } from '../../../mdm/db/databaseUrl.ts'
import { groupWarnings, untrustedPart } from '../../../schema/kit/trustedPath.ts'

const skip = process.getuid ? false : 'Windows has other rights'
const another = 54_321
const asRoot = process.getuid?.() === 0 ? false : 'only root can act as another user'

function folder(t: TestContext): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'touchstone-path-')))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Ways in which another user could put something else in the place of `PLACE/x/file`. */
const WEAK: [string, RegExp, string | false, (dir: string) => string][] = [
  [
    'a folder of everybody above it',
    /every user .* \(owner \d+, mode 0777\): take that right away \(chmod o-w /,
    false,
    (dir) => {
      chmodSync(dir, 0o777)
      return dir
    },
  ],
  [
    'a link in a folder of everybody, to a safe place',
    /every user/,
    false,
    (dir) => {
      mkdirSync(join(dir, 'open'))
      mkdirSync(join(dir, 'safe'))
      symlinkSync(join(dir, 'safe'), join(dir, 'open', 'link'))
      chmodSync(join(dir, 'open'), 0o777)
      return join(dir, 'open', 'link')
    },
  ],
  [
    'a link that leads through a folder of everybody',
    /every user/,
    false,
    (dir) => {
      mkdirSync(join(dir, 'open', 'inner'), { recursive: true })
      chmodSync(join(dir, 'open'), 0o777)
      symlinkSync('open/inner', join(dir, 'link'))
      return join(dir, 'link')
    },
  ],
  [
    'a folder of another user above it',
    /user 54321 owns .* \(owner 54321, mode 0755\).*chown/,
    asRoot,
    (dir) => {
      mkdirSync(join(dir, 'hers', 'inner'), { recursive: true })
      chmodSync(join(dir, 'hers'), 0o755)
      chownSync(join(dir, 'hers'), another, another)
      return join(dir, 'hers', 'inner')
    },
  ],
  [
    'a link of another user in a folder as /tmp',
    /user 54321 owns/,
    asRoot,
    (dir) => {
      mkdirSync(join(dir, 'safe'))
      symlinkSync(join(dir, 'safe'), join(dir, 'link'))
      lchownSync(join(dir, 'link'), another, another)
      chmodSync(dir, 0o1777)
      return join(dir, 'link')
    },
  ],
]

/** What reads or writes at a place that only we may replace. */
const OPENERS: [string, (place: string) => unknown][] = [
  ['the data directory', (place) => openDataDirectory(join(place, 'x'), { create: true })],
  ['a secret that the program makes', (place) => secretFile(place, 'key', () => 'secret')],
  ['the secret of a start', (place) => renewDevelopmentSecret(place)],
  [
    'a password file',
    (place) => {
      const file = join(place, 'passwords')
      writeFileSync(file, '*:*:*:ada:secret\n', { mode: 0o600 })
      const { password } = driverTarget(`postgres://ada@localhost/x?passfile=${file}`).options
      return typeof password === 'function' ? password() : assert.fail()
    },
  ],
  [
    'the key file of the audit log',
    (place) => {
      const file = join(place, 'keys')
      writeFileSync(file, `a:${'a'.repeat(40)}\n`, { mode: 0o600 })
      configureAuditKeys({ auditKeys: undefined, auditKeyFile: file, dataDir: place })
      return loadAuditKeys(false)
    },
  ],
  [
    'the credentials of NATS',
    (place) => {
      const file = join(place, 'creds')
      writeFileSync(file, 'x', { mode: 0o600 })
      return natsOptions({
        natsUrl: ['nats://127.0.0.1:1'],
        natsCredentials: file,
        natsStream: 's',
        natsSubject: 's',
        natsReplicas: 1,
        natsScopes: [],
      })
    },
  ],
]

for (const [opener, open] of OPENERS)
  describe(`${opener} is refused behind`, { skip }, () => {
    for (const [weakness, reason, skipped, make] of WEAK)
      test(weakness, { skip: skipped }, async (t) => {
        await assert.rejects(async () => open(make(folder(t))), reason)
      })
    test('nothing: a safe place is accepted, in /tmp too and where its own group may write', async (t) => {
      const dir = folder(t)
      await open(dir)
      const shared = join(folder(t), 'tmp')
      mkdirSync(join(shared, 'mine'), { recursive: true, mode: 0o700 })
      chmodSync(shared, 0o1777)
      await open(join(shared, 'mine'))
      const grouped = join(folder(t), 'grouped')
      mkdirSync(join(grouped, 'mine'), { recursive: true, mode: 0o700 })
      chmodSync(grouped, 0o775)
      await open(join(grouped, 'mine'))
    })
  })

test('configuration that decides rights is refused to a server if everybody may change it', {
  skip,
}, (t) => {
  const dir = folder(t)
  const access = join(dir, 'access.yaml')
  writeFileSync(access, 'roles: {}\n')
  refuseOpenFiles({ access })
  chmodSync(access, 0o666)
  assert.throws(() => refuseOpenFiles({ access }), /every user .* may write .*mode 0666.*chmod o-w/)
  chmodSync(access, 0o644)
  chmodSync(dir, 0o777)
  for (const name of ['access', 'sources', 'ownSubgraphs', 'supergraph', 'webhookCa'])
    assert.throws(() => refuseOpenFiles({ [name]: access }), /may replace what is in/)
  const auditHeadFile = join(dir, 'heads.jsonl')
  assert.throws(() => refuseOpenFiles({ auditHeadFile }), /may replace what is in/)
  chmodSync(dir, 0o1777)
  refuseOpenFiles({ access })
  refuseOpenFiles({ access: join(dir, 'missing'), sources: undefined })
})

test('folders above the program are as safe as the program', { skip }, () => {
  for (let at = packagePath(''); at !== dirname(at); at = dirname(at))
    assert.equal(untrustedPart(join(at, 'data')), untrustedPart(at))
})

test('a group with other members is a warning', { skip: asRoot }, (t) => {
  const dir = folder(t)
  mkdirSync(join(dir, 'shared', 'mine'), { recursive: true })
  chmodSync(join(dir, 'shared'), 0o775)
  const place = join(dir, 'shared', 'mine')
  assert.deepEqual(groupWarnings(place), [])
  chownSync(join(dir, 'shared'), 0, another)
  assert.match(groupWarnings(place).join(), /members of group 54321 may replace.*mode 0775/)
  assert.equal(untrustedPart(place), null)
})
