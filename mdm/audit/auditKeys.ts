import { createHash, createSecretKey, type KeyObject } from 'node:crypto'

/** A key of the audit log, which the database never sees. */
export interface AuditKey {
  /** Its name in each entry. */
  id: string
  /** A key object: an HMAC with the bytes takes four times as long. */
  secret: KeyObject
}

/** The keys of this process. The first one signs; the others only verify. */
export type KeyRing = readonly AuditKey[]

/** The audit log continues with a key that this process does not have, or has no key at all. */
export class AuditKeyError extends Error {
  override name = 'AuditKeyError'
}

const secretCharsMin = 32

/** Parses `id:secret`. Throws with what is wrong, without repeating the secret. */
export function parseAuditKey(text: string): AuditKey {
  const [, id, secret] = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):(\S+)$/.exec(text) ?? []
  if (id === undefined || secret === undefined)
    throw new AuditKeyError(
      'a key of the audit log is written id:secret; the id has letters, digits, ".", "_" and "-"',
    )
  if (secret.length < secretCharsMin)
    throw new AuditKeyError(
      `the secret of the audit key ${id} must have ${secretCharsMin} characters or more`,
    )
  return { id, secret: createSecretKey(createHash('sha256').update(secret).digest()) }
}

/** Parses several keys. Throws if two have one id. */
export function parseAuditKeys(texts: readonly string[]): KeyRing {
  const ring = texts.map(parseAuditKey)
  const ids = new Set<string>()
  for (const { id } of ring) {
    if (ids.has(id)) throw new AuditKeyError(`two keys of the audit log have the id ${id}`)
    ids.add(id)
  }
  return ring
}

/**
 * Loads the keys of this process. `mayCreate` is true while the log has no entry under a key yet.
 */
export type LoadAuditKeys = (mayCreate: boolean) => Promise<KeyRing>

let load: LoadAuditKeys = async () => {
  throw new AuditKeyError('this process has not been given the keys of the audit log')
}
let loaded: KeyRing | null = null

/**
 * Names where this process has its keys from. They are loaded at the first entry, so a command that
 * writes none needs none. One place for the process, as for the tracer: a parameter would go
 * through every function between a command and its entry.
 */
export function provideAuditKeys(loader: LoadAuditKeys): void {
  load = loader
  loaded = null
}

export async function loadAuditKeys(mayCreate: boolean): Promise<KeyRing> {
  loaded ??= await load(mayCreate)
  return loaded
}

/**
 * Returns the key of the next entry, and the key before it if this entry changes the key. `used`
 * are the ids of the keys of the log, in their order. A key that another one has followed never
 * signs again: somebody who learns an old key gains nothing. `isKeyLost`: the key before is lost,
 * so the first one follows it without proof. Throws AuditKeyError.
 */
export function signingKey(
  ring: KeyRing,
  used: readonly string[],
  isKeyLost = false,
): { key: AuditKey; changedFrom: AuditKey | null } {
  const [first] = ring
  if (!first)
    throw new AuditKeyError('this process has no key of the audit log: set TOUCHSTONE_AUDIT_KEYS')
  const currentId = used.at(-1)
  if (currentId === undefined) return { key: first, changedFrom: null }
  const current = ring.find((k) => k.id === currentId)
  if (isKeyLost) {
    if (current) throw new AuditKeyError(`the key ${currentId} is not lost: this process has it`)
    if (used.includes(first.id))
      throw new AuditKeyError(`the key ${first.id} was followed by another one: make a new key`)
    return { key: first, changedFrom: null }
  }
  if (!current)
    throw new AuditKeyError(
      `the audit log continues with the key ${currentId}, and this process has ${ring.map((k) => k.id).join(', ')}: ` +
        'set TOUCHSTONE_AUDIT_KEYS or TOUCHSTONE_AUDIT_KEY_FILE as the other processes have it',
    )
  // A process whose first key was followed by another one is the last to be restarted.
  if (first.id === currentId || used.includes(first.id)) return { key: current, changedFrom: null }
  return { key: first, changedFrom: current }
}
