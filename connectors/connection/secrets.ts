import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { childEnvironment } from '../../schema/kit/childEnvironment.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { ConnectionError } from './contract.ts'
import { shape } from './definition/shape.ts'

/** Where a secret is read from each time it is used. */
export type SecretReference =
  | { env: string }
  | { file: string }
  | { command: readonly string[]; pass: readonly string[] }

const bytesMax = 65_536
const commandMsMax = 10_000

const variable = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable, in capitals')

export const secretSchema = shape({
  env: variable.optional(),
  file: z.string().min(1).optional(),
  command: z.array(z.string().min(1)).min(1).max(50).optional(),
  pass: z.array(variable).max(20).optional(),
})

/**
 * Reads a secret. Throws ConnectionError NO_SECRET, which names the place and never the value or
 * what a command printed.
 */
export async function resolveSecret(
  reference: SecretReference,
  what: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const failed = (why: string): never => {
    throw new ConnectionError('SIGN_IN', 'NO_SECRET', `${what}: ${why}`)
  }
  if ('env' in reference) {
    const value = ownValue(env, reference.env)?.trim()
    return value || failed(`the environment variable ${reference.env} is not set`)
  }
  if ('file' in reference) {
    const text = await fileText(reference.file).catch((e: unknown) =>
      failed(`the file ${reference.file} cannot be read (${codeOf(e)})`),
    )
    return text.trim() || failed(`the file ${reference.file} is empty`)
  }
  const [program = '', ...rest] = reference.command
  const text = await commandText(program, rest, reference.pass, env).catch((e: unknown) =>
    failed(`the command ${program} failed (${codeOf(e)})`),
  )
  return text.trim() || failed(`the command ${program} printed nothing`)
}

async function fileText(path: string): Promise<string> {
  const { size } = await stat(path)
  if (size > bytesMax) throw Object.assign(new Error(), { code: `more than ${bytesMax} bytes` })
  return await readFile(path, 'utf8')
}

async function commandText(
  program: string,
  rest: readonly string[],
  pass: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...rest], {
    env: childEnvironment(pass, {}, env),
    timeout: commandMsMax,
    maxBuffer: bytesMax,
    encoding: 'utf8',
  })
  return stdout
}

/** The message of a failed command has its arguments and what it printed: the code is enough. */
function codeOf(e: unknown): string {
  if (e === null || typeof e !== 'object') return 'it failed'
  if ('killed' in e && e.killed === true) return `no result within ${commandMsMax} ms`
  return 'code' in e && e.code !== null ? String(e.code) : 'it failed'
}
