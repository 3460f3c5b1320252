import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { postgresBinaries } from '../../../cli/embeddedPostgres/binaries.ts'
import { openDataDirectory } from '../../../cli/embeddedPostgres/dataDirectory.ts'
import { serverMark } from '../../../cli/embeddedPostgres/processIdentity.ts'
import { type PostgresServer, startServer } from '../../../cli/embeddedPostgres/server.ts'
import { openConnection, openDatabase } from '../../../mdm/db/database.ts'
import { eventually } from '../../e2e/eventually.ts'
import { childrenOf, freePort } from '../../faults/installation.ts'
import { runs } from '../process.ts'

const asRoot = process.getuid?.() === 0 ? false : 'needs root, to become another user'

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-safety-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Starts servers on a folder, and stops the last one after the test. */
function servers(t: TestContext, dir: string) {
  let last: PostgresServer | null = null
  t.after(() => last?.stop())
  return async (options: { tcpPort?: number } = {}) => {
    last = await startServer({ dir, durable: false, superuser: true, ...options })
    return last
  }
}

async function kill(server: PostgresServer): Promise<void> {
  const family = [server.pid, ...childrenOf(server.pid)]
  // A child may have ended by itself since.
  for (const pid of family) if (runs(pid)) process.kill(pid, 'SIGKILL')
  await eventually(() => family.every((pid) => !runs(pid)))
}

async function query(url: string, text: string): Promise<unknown[]> {
  const sql = openConnection(url, { connectSecondsMax: 5 })
  try {
    return [...(await sql.unsafe(text))]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const passwords = (dir: string) => readFileSync(join(dir, 'postgres.passwords'), 'utf8')

/** Ports on which this process or its children listen. */
function listening(pid: number): string {
  const inodes = spawnSync('sh', ['-c', `ls -l /proc/${pid}/fd`], { encoding: 'utf8' }).stdout
  return ['tcp', 'tcp6']
    .flatMap((kind) => readFileSync(`/proc/net/${kind}`, 'utf8').split('\n').slice(1))
    .filter((line) => {
      const fields = line.trim().split(/\s+/)
      return fields[3] === '0A' && inodes.includes(`socket:[${fields[9]}]`)
    })
    .join()
}

describe('the embedded Postgres', () => {
  test('listens on no port, and its socket and files are closed to other users', async (t) => {
    const dir = folder(t)
    execFileSync('chmod', ['755', dir])
    const server = await servers(t, dir)()
    assert.deepEqual(await query(server.url('postgres'), 'select 1 as one'), [{ one: 1 }])
    assert.equal(listening(server.pid), '')
    assert.equal(server.tcpPort, null)
    for (const name of ['postgres.json', 'postgres.passwords', 'postgres.log'])
      assert.equal(statSync(join(dir, name)).mode & 0o077, 0, name)
    assert.equal(statSync(join(dir, 'postgres')).mode & 0o077, 0)
    const rules = readFileSync(join(dir, 'postgres', 'pg_hba.conf'), 'utf8')
    assert.equal(rules.replace(/^#.*\n/gm, ''), 'local all all scram-sha-256\n')
    assert.doesNotMatch(
      server.url('postgres'),
      new RegExp(passwords(dir).split(':')[4]?.trim() ?? '-'),
    )
  })

  test('is out of reach for another local user', { skip: asRoot }, async (t) => {
    const dir = folder(t)
    execFileSync('chmod', ['755', dir])
    const server = await servers(t, dir)()
    const socket = join(dir, 'postgres', '.s.PGSQL.5432')
    assert.ok(existsSync(socket))
    const attacks = [
      `require('net').connect(${JSON.stringify(socket)}).on('error', (e) => console.log(e.code)).on('connect', () => console.log('IN'))`,
      ...['postgres.json', 'postgres.passwords', 'postgres.log', 'postgres/pg_hba.conf'].map(
        (name) =>
          `try { require('fs').readFileSync(${JSON.stringify(join(dir, name))}); console.log('READ') } catch (e) { console.log(e.code) }`,
      ),
    ]
    for (const attack of attacks) {
      const command = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e']
      const { stdout, stderr } = spawnSync('setpriv', [...command, attack], {
        encoding: 'utf8',
        cwd: '/',
      })
      assert.equal(stdout.trim(), 'EACCES', `${attack}\n${stderr}`)
    }
    assert.ok(runs(server.pid))
  })

  test('has new passwords after it was killed, and open pools follow', async (t) => {
    const dir = folder(t)
    const start = servers(t, dir)
    const first = await start()
    const old = passwords(dir)
    const pool = openDatabase(first.url('postgres'), { connectionsMax: 2, name: 'test' })
    t.after(() => pool.end({ timeout: 1 }))
    await pool`select 1`
    await kill(first)
    const second = await start()
    assert.notEqual(passwords(dir), old)
    assert.equal(second.url('postgres'), first.url('postgres'))
    await eventually(async () => {
      const found = await pool`select 2 as two`.catch(() => [])
      return found[0]?.two === 2
    })
    const file = join(dir, 'old')
    writeFileSync(file, old, { mode: 0o600 })
    const stale = second.url('postgres').replace(/passfile=.*/, `passfile=${file}`)
    await assert.rejects(query(stale, 'select 1'), /password authentication failed/)
  })

  test('is replaced when it does not know our password, and when the passwords are lost', async (t) => {
    const dir = folder(t)
    const start = servers(t, dir)
    const first = await start()
    await query(first.url('postgres'), 'create table kept as select 7 as n')
    for (const spoil of [
      () => writeFileSync(join(dir, 'postgres.passwords'), '*:*:*:touchstone:other\n'),
      () => rmSync(join(dir, 'postgres.passwords')),
      () => writeFileSync(join(dir, 'postgres.json'), '{'),
    ]) {
      spoil()
      const again = await start()
      assert.deepEqual(await query(again.url('postgres'), 'select n from kept'), [{ n: 7 }])
    }
    // A start that may not stop it leaves it alone.
    const last = await start()
    rmSync(join(dir, 'postgres.passwords'))
    const refused = startServer({
      dir,
      durable: false,
      superuser: true,
      beforeReplacing: () => {
        throw new Error('in use')
      },
    })
    await assert.rejects(refused, /in use/)
    assert.ok(runs(last.pid))
  })

  test('of an earlier version, on a port and with a password in postgres.json, is taken over', async (t) => {
    const dir = folder(t)
    const port = await freePort()
    const child = await earlierServer(dir, port, 'the-old-password')
    const at = `postgres://touchstone:the-old-password@127.0.0.1:${port}/postgres`
    await eventually(() =>
      query(at, 'create table kept as select 7 as n').then(
        () => true,
        () => false,
      ),
    )
    const server = await servers(t, dir)()
    assert.deepEqual(await query(server.url('postgres'), 'select n from kept'), [{ n: 7 }])
    await eventually(() => !runs(child))
    assert.equal(listening(server.pid), '')
    assert.doesNotMatch(readFileSync(join(dir, 'postgres.json'), 'utf8'), /password/)
    assert.doesNotMatch(passwords(dir), /the-old-password/)
    await assert.rejects(query(at, 'select 1'), /ECONNREFUSED/)
  })

  test('never sends anything to a process that took the port of a lost server', async (t) => {
    const dir = folder(t)
    const start = servers(t, dir)
    const first = await start({ tcpPort: 0 })
    const port = first.tcpPort ?? 0
    assert.match(listening(first.pid), /^\s*\d+: 0100007F:/)
    const [, password = ''] = /:([^:\n]+)$/m.exec(passwords(dir)) ?? []
    const asked = await query(
      `postgres://touchstone:${password}@127.0.0.1:${port}/postgres`,
      'select 1',
    )
    assert.equal(asked.length, 1)
    await kill(first)
    let visits = 0
    const thief = createServer(() => void visits++).listen(port, '127.0.0.1')
    t.after(() => thief.close())
    const second = await start({ tcpPort: 0 })
    assert.notEqual(second.tcpPort, port)
    assert.equal((await query(second.url('postgres'), 'select 1')).length, 1)
    assert.equal(visits, 0)
    await second.stop()
    await assert.rejects(start({ tcpPort: port }), /could not (bind|create)/)
  })
})

describe('a data directory whose path is too long for a socket', () => {
  const long = (t: TestContext) => join(folder(t), 'a'.repeat(60), 'b'.repeat(60), "it's, a (path)")

  test('is reached by a link in a folder of ours, which keeps its name', async (t) => {
    const dir = long(t)
    const start = servers(t, dir)
    const first = await start()
    const [, link = ''] = /host=([^&]+)/.exec(first.url('postgres')) ?? []
    assert.ok(link.length < 50, link)
    assert.equal(statSync(dirname(link)).mode & 0o077, 0)
    assert.equal((await query(first.url('postgres'), 'select 1')).length, 1)
    rmSync(dirname(link), { recursive: true })
    assert.equal(first.isReachable(), true, 'a cleaned folder is restored')
    await kill(first)
    const second = await start()
    assert.equal(second.url('postgres'), first.url('postgres'))
    assert.equal((await query(second.url('postgres'), 'select 1')).length, 1)
    await second.stop()
    assert.equal(existsSync(dirname(link)), false)
  })

  test('gets another link if somebody has taken the name', { skip: asRoot }, async (t) => {
    const dir = long(t)
    const start = servers(t, dir)
    const first = await start()
    const [, link = ''] = /host=([^&]+)/.exec(first.url('postgres')) ?? []
    await first.stop()
    const place = dirname(link)
    const elsewhere = folder(t)
    const takings = [
      () => symlinkSync(elsewhere, place),
      () => {
        mkdirSync(place, { mode: 0o700 })
        symlinkSync(elsewhere, link)
        execFileSync('chown', ['-h', '-R', '65534', place])
      },
      () => writeFileSync(place, ''),
    ]
    for (const take of takings) {
      writeFileSync(
        join(dir, 'postgres.json'),
        JSON.stringify({ socket: link, port: 5432, tcp: false, superuser: true, complete: true }),
      )
      take()
      const server = await start()
      assert.ok(!server.url('postgres').includes(place), server.url('postgres'))
      assert.equal((await query(server.url('postgres'), 'select 1')).length, 1)
      await server.stop()
      rmSync(place, { recursive: true })
    }
  })
})

test('a data directory that others may write is closed or refused', { skip: asRoot }, (t) => {
  const dir = folder(t)
  execFileSync('chmod', ['777', dir])
  openDataDirectory(dir, { create: true })
  assert.equal(statSync(dir).mode & 0o777, 0o755)
  // A folder that is shared by its purpose, as /tmp, is not changed.
  execFileSync('chmod', ['1777', dir])
  assert.throws(() => openDataDirectory(dir, { create: true }), /every user.*chmod o-w/)
  assert.equal(statSync(dir).mode & 0o7777, 0o1777)
  // Root does not work in the folder of another user, but takes an empty one.
  execFileSync('chown', ['65534', dir])
  openDataDirectory(dir, { create: true })
  assert.equal(statSync(dir).mode & 0o7777, 0o700)
  assert.equal(statSync(dir).uid, 0)
  execFileSync('chown', ['65534', dir])
  symlinkSync('/etc/passwd', join(dir, 'postgres.json'))
  assert.throws(() => openDataDirectory(dir, { create: true }), /belongs to user 65534.*chown/)
})

/**
 * Starts a server as Touchstone did before it used sockets, for root as another user with a
 * capability that reads every file. Returns its process id.
 */
async function earlierServer(dir: string, port: number, password: string): Promise<number> {
  const data = join(dir, 'postgres')
  const { initdb, postgres } = await postgresBinaries()
  const file = join(dir, 'initial')
  writeFileSync(file, `${password}\n`)
  mkdirSync(data, { mode: 0o700 })
  const nobody = 65_534
  if (!asRoot) for (const path of [data, file]) chownSync(path, nobody, nobody)
  const privileged = [
    ...[`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--inh-caps=+dac_override'],
    ...['--ambient-caps=+dac_override', '--securebits=+no_setuid_fixup'],
  ]
  const command = (program: string, args: string[]): [string, string[]] =>
    asRoot ? [program, args] : ['setpriv', [...privileged, program, ...args]]
  const create = ['-D', data, '-A', 'scram-sha-256', '-U', 'touchstone', `--pwfile=${file}`, '-N']
  const done = spawnSync(...command(initdb, create), { cwd: '/', encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
  writeFileSync(join(dir, 'postgres.json'), JSON.stringify({ port, password }))
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=']
  const serve = command(postgres, ['-D', data, '-p', String(port), ...settings])
  const child = spawn(...serve, { cwd: '/', detached: true, stdio: 'ignore' })
  child.unref()
  return child.pid ?? 0
}

test('starts although a process of another user has the id and the arguments of the killed server', {
  skip: asRoot,
}, async (t) => {
  const dir = folder(t)
  const start = servers(t, dir)
  await kill(await start())
  const data = join(dir, 'postgres')
  const waits = ['-e', 'setTimeout(() => {}, 60_000)', '--', ...serverMark(data)]
  const other = spawn(process.execPath, waits, {
    uid: 65_534,
    gid: 65_534,
    cwd: '/',
    stdio: 'ignore',
  })
  t.after(() => other.kill())
  writeFileSync(join(data, 'postmaster.pid'), `${other.pid}\n${data}\n`)
  const again = await start()
  assert.notEqual(again.pid, other.pid)
  assert.equal((await query(again.url('postgres'), 'select 1')).length, 1)
})
