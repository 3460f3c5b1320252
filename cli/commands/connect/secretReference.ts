import { isAbsolute, relative, resolve } from 'node:path'
import { type SecretReference, secretSchema } from '../../../connectors/connection/secrets.ts'

export const SECRET_FORMS =
  'env:NAME of an environment variable, file:PATH of a file, or command:PROGRAM ARGUMENTS'

/**
 * Reads the reference to a secret as a person writes it. Nothing of a text without such a form is
 * quoted: it may be the secret. `folder` is that of the configuration, to which its paths are
 * relative; here they are relative to the working directory. `pass` are the variables of a command.
 */
export function parseSecretReference(
  text: string,
  folder: string,
  pass: readonly string[] = [],
): { value: SecretReference } | { problem: string } {
  const [, form, rest = ''] = /^(env|file|command):\s*(.*)$/su.exec(text.trim()) ?? []
  if (form === undefined) return { problem: `a secret is never typed in: give ${SECRET_FORMS}` }
  if (rest === '') return { problem: `${form}: names nothing; give ${SECRET_FORMS}` }
  const value: SecretReference =
    form === 'env'
      ? { env: rest }
      : form === 'file'
        ? { file: isAbsolute(rest) ? rest : relative(folder, resolve(rest)) }
        : { command: wordsOf(rest), pass }
  const parsed = secretSchema.safeParse(value)
  if (!parsed.success) {
    const { path = [], message = 'is not valid' } = parsed.error.issues[0] ?? {}
    return { problem: `${path[0] === undefined ? '' : `${String(path[0])}: `}${message}` }
  }
  return { value }
}

/** Returns the reference as it stands in config/sources.yaml. */
export function referenceValue(reference: SecretReference): Record<string, unknown> {
  if (!('command' in reference)) return { ...reference }
  const { command, pass } = reference
  return { command: [...command], ...(pass.length > 0 ? { pass: [...pass] } : {}) }
}

/** Splits a command into its words; quotes hold a word with spaces together. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  )
}
