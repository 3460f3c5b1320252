import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What a local user tries. Lists come from the test, which sees everything. */
export interface ProbeTargets {
  files: string[]
  folders: string[]
  pids: number[]
  /** Paths of unix sockets. */
  sockets: string[]
  ports: number[]
  /** Texts that are looked for in all that can be read. */
  seek: string[]
}

/** An attempt that succeeded, and what it found. */
export interface Reached {
  what: string
  found?: string[]
}

const buffer = Buffer.alloc(4_000_000)
const connectMsMax = 1_000

/**
 * Tries everything as the user of this process and returns what it could do. Nothing is changed by
 * the attempts that succeed, so root can run the same list as a control.
 */
export async function probe(targets: ProbeTargets): Promise<Reached[]> {
  const reached: Reached[] = []
  const attempt = (what: string, work: () => unknown) => {
    try {
      const text = work()
      const found = typeof text === 'string' ? targets.seek.filter((s) => text.includes(s)) : []
      reached.push(found.length > 0 ? { what, found } : { what })
    } catch {
      // denied, or gone since
    }
  }
  for (const file of targets.files) {
    attempt(`read ${file}`, () => readStart(file))
    attempt(`write ${file}`, () => closeSync(openSync(file, constants.O_RDWR)))
    attempt(`size of ${file}`, () => String(statSync(file).size))
  }
  for (const folder of targets.folders) {
    attempt(`list ${folder}`, () => readdirSync(folder).join(' '))
    attempt(`change ${folder}`, () => accessSync(folder, constants.W_OK))
    attempt(`plant in ${folder}`, () => plant(folder))
  }
  for (const pid of targets.pids) {
    const at = `/proc/${pid}`
    for (const name of ['environ', 'maps', 'auxv', 'io'])
      attempt(`read ${at}/${name}`, () => readContent(join(at, name)))
    attempt(`memory of ${pid}`, () => closeSync(openSync(join(at, 'mem'), 'r')))
    attempt(`write memory of ${pid}`, () => closeSync(openSync(join(at, 'mem'), 'r+')))
    for (const name of ['cwd', 'root', 'exe'])
      attempt(`follow ${at}/${name}`, () => readlinkSync(join(at, name)))
    attempt(`list ${at}/cwd/`, () => readdirSync(join(at, 'cwd')).join(' '))
    attempt(`list ${at}/fd`, () => readdirSync(join(at, 'fd')).join(' '))
    attempt(`signal ${pid}`, () => void process.kill(pid, 0))
  }
  for (const path of targets.sockets)
    if (await connects({ path })) reached.push({ what: `connect ${path}` })
  for (const port of targets.ports)
    if (await connects({ port, host: '127.0.0.1' })) reached.push({ what: `connect ${port}` })
  return reached
}

/** Reads a file of a process. Of one that is ending anyone can open some, and they are empty. */
function readContent(file: string): string {
  const text = readStart(file)
  if (text === '') throw new Error(`${file} is empty`)
  return text
}

function readStart(file: string): string {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return buffer.subarray(0, readSync(fd, buffer)).toString('latin1')
  } finally {
    closeSync(fd)
  }
}

/** Puts a file, a folder and a link there, under names that nobody uses. */
function plant(folder: string): void {
  const at = join(folder, `.probe-${process.pid}`)
  writeFileSync(at, '')
  rmSync(at)
  mkdirSync(at)
  rmSync(at, { recursive: true })
  symlinkSync('/etc/passwd', at)
  rmSync(at)
}

function connects(to: { path: string } | { port: number; host: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(to)
    const done = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.setTimeout(connectMsMax, () => done(false))
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
}

/**
 * Listens at these addresses, as many as can be taken, until the input ends. Asks every client for
 * its password as a Postgres without SCRAM would, and prints what it receives.
 */
async function impersonate(addresses: (number | string)[]): Promise<void> {
  const CLEARTEXT = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])
  for (const address of addresses)
    for (const end = Date.now() + 20_000; Date.now() < end; ) {
      const taken = await new Promise<boolean>((resolve) => {
        const server = createServer((socket) => {
          console.log(JSON.stringify({ client: address }))
          socket.on('error', () => {})
          socket.on('data', (data) => {
            console.log(JSON.stringify({ received: data.toString('latin1') }))
            // An 8-byte request for TLS comes first from some clients.
            socket.write(data.length === 8 ? 'N' : CLEARTEXT)
          })
        })
        server.once('error', (e) =>
          resolve('code' in e && (e.code === 'EACCES' || e.code === 'ENOENT')),
        )
        const listening = () => {
          console.log(JSON.stringify({ took: address }))
          resolve(true)
        }
        if (typeof address === 'number') server.listen(address, '127.0.0.1', listening)
        else server.listen(address, listening)
      })
      if (taken) break
      await new Promise((r) => setTimeout(r, 1))
    }
}

if (import.meta.main) {
  // Started by root and loaded before the change: the checkout may be closed to this user.
  const [mode, uid = '0', given = '{}'] = process.argv.slice(2)
  if (uid !== '0') {
    process.setgroups?.([])
    process.setgid?.(Number(uid))
    process.setuid?.(Number(uid))
  }
  if (mode === 'probe') {
    // One list a line, one answer a line, until the input ends.
    for await (const line of createInterface(process.stdin))
      console.log(JSON.stringify(await probe(JSON.parse(line))))
  } else {
    process.stdin.resume().once('end', () => process.exit(0))
    console.log(JSON.stringify({ ready: true }))
    await impersonate(JSON.parse(given))
  }
}
