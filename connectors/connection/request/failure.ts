import { ConnectionError, type Outcome, type Verdict } from '../contract.ts'

/** The code of a refusal without one of its own, and what a person can do about it. */
const BY_VERDICT: Record<Verdict, { code: string; advice: string }> = {
  RETRY: { code: 'SYSTEM_UNAVAILABLE', advice: 'it is tried again at the next run' },
  WAIT: { code: 'LIMIT_REACHED', advice: 'lower the limits of the connection if it comes often' },
  SIGN_IN: {
    code: 'SIGN_IN_REFUSED',
    advice: 'check the credential in connection: and whether the system still accepts it',
  },
  FORBIDDEN: {
    code: 'PERMISSION_MISSING',
    advice: 'give the user of the connection the right to read this, or leave it out of objects:',
  },
  GONE: { code: 'POSITION_EXPIRED', advice: 'the object is read as a whole again' },
  CONFLICT: { code: 'RECORD_CHANGED', advice: 'read the record again' },
  MISSING: {
    code: 'NOT_FOUND',
    advice: 'check the address of the system, and that this edition has the object',
  },
  INVALID: { code: 'INVALID_ANSWER', advice: 'compare the answer with connection.yaml' },
  PERMANENT: { code: 'REQUEST_REFUSED', advice: 'correct the request in connection.yaml' },
  CLOSED: { code: 'SYSTEM_CLOSED', advice: 'it is tried again when the system is open' },
}

/** The request of an error, without anything secret. */
export interface RequestName {
  source: string
  /** The object, or what the request is for: sign-in. */
  object: string
  method: string
  /** The path without its query; empty for what is no request. */
  path: string
}

export interface Failure {
  verdict: Verdict
  code?: string | undefined
  what: string
  advice?: string | undefined
  status?: number | null
  notBefore?: number | null
  /** Of a write. */
  outcome?: Outcome
}

/** Returns the error of a request: system, object, request, what was wrong and what to do. */
export function failureOf(
  { source, object, method, path }: RequestName,
  {
    verdict,
    code,
    what,
    advice,
    status = null,
    notBefore = null,
    outcome = 'NOT_APPLIED',
  }: Failure,
): ConnectionError {
  const known = BY_VERDICT[verdict]
  return new ConnectionError(
    verdict,
    code ?? known.code,
    `${source}: ${object}: ${path === '' ? '' : `${method} ${path}: `}${what}; ${advice ?? known.advice}`,
    { status, notBefore, outcome },
  )
}

/** Returns the error of a write of which an earlier attempt may have been applied. */
export function withUnknownOutcome(e: ConnectionError): ConnectionError {
  const { verdict, code, message, status, notBefore } = e
  return new ConnectionError(verdict, code, message, { status, notBefore, outcome: 'UNKNOWN' })
}

/** Returns the text without the secrets in it; short ones might be words of the text. */
export function withoutSecrets(text: string, secrets: Iterable<string>): string {
  let out = text
  for (const secret of secrets)
    if (secret.length >= secretCharsMin) out = out.replaceAll(secret, '***')
  return out
}

const secretCharsMin = 6
