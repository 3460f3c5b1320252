import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rememberServer } from '../developer.ts'
import { until } from '../gateway/until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** A busy machine starts a program in a minute and more. */
const startMsMax = 180_000

export interface RunningCommand {
  child: ChildProcess
  /** Standard output and standard error so far. */
  output(): string
  /** Waits until the output matches and returns the match. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Exit code, or the signal's name. */
  ended: Promise<number | string>
}

/**
 * Runs a touchstone command on the embedded database of `dataDir`, whatever database the test run
 * itself uses.
 */
export function touchstone(
  args: string[],
  dataDir: string,
  env: Record<string, string> = {},
  entry = 'cli/main.ts',
) {
  const { DATABASE_URL: _, ...rest } = process.env
  return run(process.execPath, [join(root, entry), ...args], {
    ...rest,
    TOUCHSTONE_DATA_DIR: dataDir,
    ...env,
  })
}

export function run(program: string, args: string[], env: NodeJS.ProcessEnv): RunningCommand {
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (d) => {
      text += d
      if (env.TOUCHSTONE_DATA_DIR) rememberServer(text, env.TOUCHSTONE_DATA_DIR)
    })
  let over = false
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => {
      over = true
      resolve(signal ?? code ?? -1)
    }),
  )
  return {
    child,
    ended,
    output: () => text,
    async says(pattern) {
      for (const end = Date.now() + startMsMax; ; await new Promise((r) => setTimeout(r, 20))) {
        const match = pattern.exec(text)
        if (match) return match
        if (over || Date.now() > end)
          throw new Error(`the output never matched ${pattern}:\n${text}`)
      }
    },
  }
}

/** Creates a data directory, deleted after the test; `postmaster` reads its server's process id. */
export function dataDirectory(t: { after(fn: () => void | Promise<void>): void }) {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-cli-'))
  const postmaster = () => {
    const file = join(dir, 'postgres', 'postmaster.pid')
    return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : null
  }
  t.after(async () => {
    const pid = postmaster()
    if (pid && runs(pid)) process.kill(pid, 'SIGQUIT')
    await until(() => !pid || !runs(pid))
    rmSync(dir, { recursive: true, force: true })
  })
  return { dir, postmaster }
}

export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}
