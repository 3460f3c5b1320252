import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runs } from '../cli/process.ts'
import { eventually } from '../e2e/eventually.ts'
import { running } from '../e2e/running.ts'
import { childrenOf, pidOf } from '../faults/installation.ts'
import type { ProbeTargets, Reached } from './localUserProbe.ts'

// The launcher of the tests names a cache for all; here it is where an installation has it.
delete process.env.NODE_COMPILE_CACHE

const script = fileURLToPath(new URL('./localUserProbe.ts', import.meta.url))
/** The user that every program without rights has, one that nobody has, and another service's. */
const OTHER_USERS = [65_534, 54_321, ...uidOf('postgres')]
/** Secrets and personal data that nobody else may find. */
const CANARIES = {
  TOUCHSTONE_INTERNAL_SECRET: 'canary-internal-0123456789-0123456789',
  TOUCHSTONE_WEBHOOK_KEY: 'canary-webhook-key-0123456789-0123456789',
  STRIPE_WEBHOOK_SECRET: 'canary-stripe-secret',
  AWS_SECRET_ACCESS_KEY: 'canary-of-the-shell',
  GITHUB_TOKEN: 'canary-github',
}
const PERSON = 'Quintessa Vandermolen-Okonkwo'
const SECRET = new RegExp(`canary-|${PERSON}`)

function uidOf(name: string): number[] {
  try {
    return [Number(execFileSync('id', ['-u', name], { stdio: ['ignore', 'pipe', 'ignore'] }))]
  } catch {
    return []
  }
}

/** A process that tries lists as one user; root is the control, which must reach what exists. */
function prober(uid: number) {
  const child = spawn(process.execPath, [script, 'probe', String(uid)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    uid,
    child,
    async reaches(targets: ProbeTargets): Promise<Reached[]> {
      child.stdin.write(`${JSON.stringify(targets)}\n`)
      const { value, done } = await lines.next()
      assert.ok(!done, `the probe of user ${uid} has ended`)
      return JSON.parse(value)
    },
  }
}

function below(folder: string): { files: string[]; folders: string[]; sockets: string[] } {
  const found = { files: [] as string[], folders: [folder], sockets: [] as string[] }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    const s = lstatSync(path, { throwIfNoEntry: false })
    if (s?.isDirectory()) found.folders.push(path)
    else if (s?.isSocket()) found.sockets.push(path)
    else if (s?.isFile()) found.files.push(path)
  }
  return found
}

/** Ports of TCP on which one of these processes listens. */
function listening(pids: readonly number[]): number[] {
  const mine = new Set(
    pids.flatMap((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
          const to = readlinkSync(`/proc/${pid}/fd/${fd}`)
          return /^socket:\[(\d+)\]$/.exec(to)?.[1] ?? []
        })
      } catch {
        return [] // gone since
      }
    }),
  )
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
        return state === '0A' && mine.has(inode)
          ? [Number.parseInt(local.split(':')[1] ?? '', 16)]
          : []
      }),
  )
}

test('another user of this machine reads and writes nothing of it, before, during and after kills', {
  skip: process.getuid?.() === 0 ? false : 'only root can act as another user',
}, async (t) => {
  // Everybody may enter the folders above: what is safe is safe by its own mode.
  const parent = mkdtempSync(join(tmpdir(), 'touchstone-local-user-'))
  chmodSync(parent, 0o755)
  const dir = join(parent, 'data')
  const temporary = join(parent, 'tmp')
  mkdirSync(temporary)
  chmodSync(temporary, 0o1777)
  // What somebody could prepare: the folder where Node caches code, under its usual name.
  const planted = join(temporary, 'node-compile-cache')
  mkdirSync(planted)
  chmodSync(planted, 0o777)
  chownSync(planted, 65_534, 65_534)
  const env = { ...CANARIES, TMPDIR: temporary }
  const alive: { pid?: number | undefined }[] = []
  t.after(() => {
    for (const { pid } of alive) if (pid && runs(pid)) process.kill(pid, 'SIGKILL')
    if (existsSync(join(dir, 'postgres', 'postmaster.pid'))) {
      const pid = pidOf(dir)
      if (runs(pid)) process.kill(pid, 'SIGKILL')
    }
    rmSync(parent, { recursive: true, force: true })
  })
  const start = async () => {
    const it = await running(dir, env)
    alive.push(it.command.child)
    return it
  }
  const server = () => {
    if (!existsSync(join(dir, 'postgres', 'postmaster.pid'))) return []
    const pid = pidOf(dir)
    return [pid, ...childrenOf(pid)].filter(runs)
  }
  const sought = [...Object.values(CANARIES), PERSON]
  const targets = (pids: number[]): ProbeTargets => ({
    ...below(dir),
    pids,
    ports: listening(server()),
    seek: sought,
  })
  const root = prober(0)
  const others = OTHER_USERS.map(prober)
  alive.push(root.child, ...others.map((o) => o.child))
  const seen = new Set<string>()
  /** Tries everything as every other user. The control shows that the same list can be reached. */
  const nobodyReaches = async (when: string, pids: () => number[]) => {
    const what = targets(pids())
    const [control, ...tried] = await Promise.all([root, ...others].map((p) => p.reaches(what)))
    const could = new Set(control?.map((r) => r.what))
    for (const text of control?.flatMap((r) => r.found ?? []) ?? []) seen.add(text)
    assert.ok(what.files.length > 100, `${when}: ${what.files.length} files`)
    const kinds = [
      'read',
      'write',
      'list',
      'plant in',
      ...(pids().length > 0 ? ['signal', 'memory of'] : []),
    ]
    for (const kind of kinds)
      assert.ok(
        [...could].some((w) => w.startsWith(`${kind} `)),
        `${when}: root could ${kind}`,
      )
    for (const [n, { uid }] of others.entries())
      assert.deepEqual(
        tried[n]?.map((r) => r.what),
        [],
        `${when}: user ${uid}`,
      )
  }

  let it = await start()
  await it.deliver('webshop', 'customers', {
    shop_customer_id: 'L1',
    company_name: PERSON,
    modified_at: '2026-01-01T00:00:00Z',
  })
  await it.customer('webshop', 'L1', 'name')
  const main = () => it.command.child.pid ?? 0
  const served = () =>
    it.query('{ customers(first: 1) { totalCount } }').then(
      ({ customers }) => customers.totalCount === 1,
      () => false, // the database is away
    )

  // The power and the memory of the server.
  for (const pid of server()) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
      assert.match(status, new RegExp(`^Cap${set}:\\s*0+$`, 'm'), `${pid}: Cap${set}`)
    assert.match(status, /^NoNewPrivs:\s*1$/m)
    assert.match(status, /^Groups:\s*$/m)
    assert.doesNotMatch(status, /^Uid:.*\b0\b/m)
    assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max core file size +0 +0 /m)
    assert.doesNotMatch(
      readFileSync(`/proc/${pid}/environ`, 'utf8'),
      /canary|TOKEN|DATABASE_URL|npm_/,
    )
  }
  assert.match(readFileSync(`/proc/${main()}/environ`, 'utf8'), /canary-/, 'the control')
  const owners = new Set(server().map((pid) => lstatSync(`/proc/${pid}`).uid))
  assert.equal(owners.size, 1)
  assert.ok(
    ![...owners].some((uid) => uid === 0 || OTHER_USERS.includes(uid)),
    [...owners].join(' '),
  )
  for (const pid of [main(), ...server()])
    assert.doesNotMatch(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), SECRET)

  await nobodyReaches('while it runs', () => [main(), ...server()])
  // Memory that is shared beyond the processes.
  for (const row of readFileSync('/proc/sysvipc/shm', 'utf8').split('\n').slice(1, -1)) {
    const [, , mode = '', , creator] = row.trim().split(/\s+/)
    if (server().includes(Number(creator))) assert.equal(Number.parseInt(mode, 8) & 0o077, 0, row)
  }
  for (const name of readdirSync('/dev/shm')) {
    const s = lstatSync(join('/dev/shm', name), { throwIfNoEntry: false })
    if (s && owners.has(s.uid)) assert.equal(s.mode & 0o077, 0, name)
  }

  // The server dies. Another user takes its addresses, and tries while it comes back.
  const sockets = below(dir).sockets
  const addresses = [...listening(server()), ...sockets]
  assert.ok(addresses.length > 0)
  for (const other of others.slice(0, 2)) {
    const thief = impersonator(other.uid, addresses)
    alive.push(thief.child)
    await thief.ready
    const before = pidOf(dir)
    process.kill(before, 'SIGKILL')
    while (!existsSync(join(dir, 'postgres', 'postmaster.pid')) || pidOf(dir) === before) {
      const reached = await other.reaches({ ...targets([main()]), ports: [] })
      assert.deepEqual(reached, [], 'while it starts again')
      await sleep(50)
    }
    await it.command.says(/had ended and was started again/)
    await eventually(served)
    assert.doesNotMatch(thief.output(), /received/, 'no client spoke to the impostor')
    thief.child.kill('SIGKILL')
  }
  await nobodyReaches('after the server was killed', () => [main(), ...server()])

  // The program dies: its server is left.
  const [first, left] = [main(), server()]
  process.kill(first, 'SIGKILL')
  await it.command.ended
  await nobodyReaches('after the program was killed', () => left.filter(runs))
  it = await start()
  await it.customer('webshop', 'L1', 'name')
  await nobodyReaches('after the next start', () => [main(), ...server()])
  assert.equal(await it.stop(), 0)
  await eventually(() => server().length === 0)
  await nobodyReaches('after the end', () => [])

  // The control of what was looked for: root found the secrets and the data.
  assert.deepEqual([...seen].sort(), sought.toSorted())
  assert.deepEqual(readdirSync(planted), [], 'no code is cached in a folder of another user')
  for (const path of [dir, ...below(dir).folders, ...below(dir).files])
    assert.equal(lstatSync(path).mode & 0o077, 0, path)
})

/** Starts a false Postgres at these addresses as another user. */
function impersonator(uid: number, addresses: (number | string)[]) {
  const child: ChildProcess = spawn(
    process.execPath,
    [script, 'impersonate', String(uid), JSON.stringify(addresses)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout?.on('data', (d) => {
    text += d
  })
  return { child, output: () => text, ready: eventually(() => text.includes('"ready"')) }
}

test('a false Postgres receives what a client sends it: the control of the test above', {
  skip: process.getuid?.() === 0 ? false : 'only root can act as another user',
}, async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'touchstone-impostor-')))
  chmodSync(folder, 0o777)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const address = join(folder, 'socket')
  const thief = impersonator(65_534, [address])
  t.after(() => thief.child.kill('SIGKILL'))
  await eventually(() => thief.output().includes('"took"'))
  const socket = connect(address)
  socket.write('a password')
  await eventually(() => thief.output().includes('a password'))
  socket.destroy()
})
