import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const leftOut = ['.git', 'node_modules', 'data', 'world', 'test', 'bench']

/** Copies the project without node_modules; the copy is deleted after the test. */
export function projectCopy(t: { after(fn: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-copy-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  for (const name of readdirSync(root)) {
    if (!leftOut.includes(name)) cpSync(join(root, name), join(dir, name), { recursive: true })
  }
  return dir
}

/**
 * Runs a program in a folder with nothing listening at its DATABASE_URL. Returns its exit code and
 * all it printed.
 */
export function runIn(
  dir: string,
  program: string,
  ...args: string[]
): { code: number; output: string } {
  const DATABASE_URL = 'postgres://touchstone@127.0.0.1:1/none'
  const env = { ...process.env, DATABASE_URL, TOUCHSTONE_DATABASE_WAIT_SECONDS_MAX: '0' }
  try {
    return {
      code: 0,
      output: execFileSync(program, args, { cwd: dir, env, encoding: 'utf8', stdio: 'pipe' }),
    }
  } catch (e) {
    const { status, stdout, stderr } = e as { status: number; stdout: string; stderr: string }
    return { code: status, output: stdout + stderr }
  }
}
