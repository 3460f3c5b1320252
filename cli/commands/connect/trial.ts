import { ConnectionError, type ObjectCheck } from '../../../connectors/connection/contract.ts'
import { openConnection } from '../../../connectors/connection/openConnection.ts'
import type { RetryPolicy } from '../../../connectors/connection/request/requester.ts'
import { resolveSecret } from '../../../connectors/connection/secrets.ts'
import type { SourceConnection } from '../../../connectors/connection/sourceConnection.ts'
import { count, counted } from '../../../schema/kit/numberText.ts'
import type { Line } from '../../terminal/print.ts'

export interface Trial {
  checks: ObjectCheck[]
  /** The problem of the whole system, after which no further object was asked. */
  stopped: { code: string } | null
}

export interface TrialOptions {
  env: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
  /** Receives each line of the report as soon as it is known. */
  report(line: Line): void
}

/** A person waits: a system that is away is reported soon. */
const RETRY: Partial<RetryPolicy> = {
  attemptsMax: 2,
  waitsMax: 1,
  waitMsMax: 15_000,
  deadlineMs: 60_000,
}

/** Codes that say the same of each object. */
const WHOLE_SYSTEM = new Set([
  ...['UNREACHABLE', 'NO_ANSWER', 'CERTIFICATE_REFUSED', 'PRIVATE_ADDRESS'],
  ...['NOT_ENCRYPTED', 'INVALID_HEADER', 'REDIRECTED'],
])

/** Signs in, reads one page of each object and reports what is seen. */
export async function tryConnection(
  source: string,
  connection: SourceConnection,
  { env, signal, report }: TrialOptions,
): Promise<Trial> {
  for (const line of addressLines(connection)) report(line)
  const checks: ObjectCheck[] = []
  const width = Math.max(...connection.objects.map((name) => name.length))
  for (const object of connection.objects) {
    const asked = openConnection(
      source,
      { ...connection, objects: [object] },
      { env, retry: RETRY },
    )
    const [check] = await asked.check(signal)
    if (!check) throw new Error(`${object} was not checked`)
    checks.push(check)
    const { problem } = check
    if (problem && checks.length === 1 && isWholeSystem(problem)) {
      report(`${problem.code}: ${problem.detail}`)
      return { checks, stopped: problem }
    }
    report(
      `  ${object.padEnd(width)}  ${problem ? problemText(source, object, problem) : rows(check)}`,
    )
    if (object === connection.objects.at(-1))
      report(
        `limits: ${
          asked
            .limits()
            .map((l) => `${l.name} ${count(l.max)}`)
            .join(', ') || 'none are known'
        }`,
      )
  }
  return { checks, stopped: null }
}

function isWholeSystem({ verdict, code }: NonNullable<ObjectCheck['problem']>): boolean {
  return verdict === 'SIGN_IN' || WHOLE_SYSTEM.has(code)
}

function rows({ count: total }: ObjectCheck): string {
  return total === null ? 'can be read' : `can be read: ${counted(total, 'row')}`
}

function problemText(
  source: string,
  object: string,
  { verdict, code, detail }: NonNullable<ObjectCheck['problem']>,
): string {
  const prefix = `${source}: ${object}: `
  const what = detail.startsWith(prefix) ? detail.slice(prefix.length) : detail
  return `${verdict} ${code}: ${what}`
}

/** Returns which addresses get the credential, and a warning where they may be private. */
function addressLines({ definition, values, privateAddresses }: SourceConnection): Line[] {
  const addresses = [...definition.settings.values()].flatMap(({ name, is }) =>
    is === 'url' ? (values.get(name) ?? []) : [],
  )
  return [
    `asks ${[...new Set(addresses)].join(', ') || 'the address of the definition'}`,
    ...(privateAddresses
      ? [
          'warning: privateAddresses: true allows http and hosts in your own network; whoever may change the file can reach them by it',
        ]
      : []),
  ]
}

/** Returns what is wrong with the secrets that cannot be read here; they are not shown. */
export async function missingSecrets(
  source: string,
  { secrets }: SourceConnection,
  env: TrialOptions['env'],
): Promise<string[]> {
  const missing: string[] = []
  for (const [name, reference] of secrets)
    try {
      await resolveSecret(reference, `${source}: connection.${name}`, env)
    } catch (e) {
      if (!(e instanceof ConnectionError)) throw e
      missing.push(e.message)
    }
  return missing
}
