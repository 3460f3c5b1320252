import type { Sql, Transaction } from '../db/database.ts'
import { type AuditHead, isLineOfHeadFile, isSignedHead, readHeadLine } from './auditHead.ts'
import type { KeyRing } from './auditKeys.ts'
import type { AuditVerification } from './verifyAudit.ts'

/** A line, and where it stands: `heads.jsonl:12`. */
export interface HeadLine {
  at: string
  text: string
}

type HeadFault =
  | 'DAMAGED'
  | 'UNKNOWN_LINE'
  | 'EDITED'
  | 'SAYS_BROKEN'
  | 'OTHER_LOG'
  | 'DIFFERS'
  | 'BEHIND'

/** The verdict of a head about the database. */
export interface HeadFinding {
  kind: HeadFault
  /** The first place of the log that is concerned; null if the head itself is not to be trusted. */
  position: number | null
  detail: string
}

export interface HeadsVerification {
  heads: number
  /** How many of them name entries that have expired. */
  expired: number
  /** Lines that are not about heads, and where the first of them stands. */
  otherLines: number
  firstOtherLine: string | null
  /** The files in which a head was found. */
  files: string[]
  /** The first finding of each kind, with how many more there are. */
  findings: (HeadFinding & { more: number })[]
  /** Heads under keys that this process does not have. */
  unverified: { heads: number; keyId: string } | null
}

const linesPerChunk = 1_000

/**
 * Compares heads that left the database earlier with the log as it is now. Constant memory: only
 * the lowest head that differs and the highest one beyond the end are held. `log` is the result of
 * the check of the log itself.
 */
export async function verifyHeads(
  sql: Sql | Transaction,
  ring: KeyRing,
  log: AuditVerification,
  lines: AsyncIterable<HeadLine>,
  onProgress: (lines: number) => void = () => {},
): Promise<HeadsVerification> {
  const check = new HeadCheck(ring, log)
  let chunk: Placed[] = []
  const compare = async () => {
    const positions = [...new Set(chunk.map((p) => p.head.position))]
    const rows = await sql<{ id: number; hash: string }[]>`
      select id, encode(hash, 'hex') as hash from audit where id = any(${positions}::bigint[])`
    const hashes = new Map(rows.map((r) => [r.id, r.hash]))
    for (const placed of chunk) check.compare(placed, hashes.get(placed.head.position))
    chunk = []
  }
  let read = 0
  for await (const line of lines) {
    read++
    const placed = check.read(line)
    if (placed) chunk.push(placed)
    if (chunk.length >= linesPerChunk) await compare()
    if (read % linesPerChunk === 0) onProgress(read)
  }
  await compare()
  return check.result()
}

/** Several files may be joined there, so a line that is no head does not stand out. */
export const STANDARD_INPUT = 'standard input'

interface FileLines {
  heads: number
  others: number
  firstOther: string | null
  /** It has lines as TOUCHSTONE_AUDIT_HEAD_FILE has them. */
  isOfHeads: boolean
}

interface Placed {
  head: AuditHead
  at: string
}

class HeadCheck {
  readonly #ring: KeyRing
  readonly #log: AuditVerification
  readonly #findings = new Map<HeadFault, HeadFinding & { more: number }>()
  #heads = 0
  #expired = 0
  /** By file. Its own lines are heads only, or those of a log or of webhooks. */
  readonly #files = new Map<string, FileLines>()
  #unverified: { heads: number; keyId: string } | null = null
  /** The lowest head that differs, and the highest below it that agrees. */
  #differs: Placed | null = null
  #agrees = 0
  #differing = 0
  #beyond: Placed | null = null
  #beyondCount = 0

  constructor(ring: KeyRing, log: AuditVerification) {
    this.#ring = ring
    this.#log = log
  }

  /** Returns the head of a line if it can be trusted and compared. */
  read({ at, text }: HeadLine): Placed | null {
    if (text.trim() === '') return null
    const head = readHeadLine(text)
    const file = this.#file(at)
    if (head === 'OTHER') {
      file.others++
      file.firstOther ??= at
      return null
    }
    if (isLineOfHeadFile(text)) file.isOfHeads = true
    if (head === 'DAMAGED') {
      this.#note('DAMAGED', null, `${at} is about a head and cannot be read: it was edited or cut`)
      return null
    }
    this.#heads++
    file.heads++
    const signed = isSignedHead(this.#ring, head)
    if (signed === null) {
      this.#unverified ??= { heads: 0, keyId: head.key }
      this.#unverified.heads++
      return null
    }
    if (!signed) {
      this.#note(
        'EDITED',
        null,
        `${at}: the head at position ${head.position} is not as the key ${head.key} signed it: it was edited`,
      )
      return null
    }
    if (head.chain !== this.#log.chain) {
      this.#note(
        'OTHER_LOG',
        0,
        `${at} is of the audit log ${head.chain}, and this database has the log ${this.#log.chain}: ` +
          'another database, or its log was replaced as a whole',
      )
      return null
    }
    if (head.broken !== undefined)
      this.#note(
        'SAYS_BROKEN',
        head.broken,
        `${at}: at ${head.at} the sender of heads had found the log broken at entry ${head.broken}`,
      )
    return { head, at }
  }

  #file(at: string): FileLines {
    const name = at.slice(0, at.lastIndexOf(':'))
    const known = this.#files.get(name)
    if (known) return known
    const made = { heads: 0, others: 0, firstOther: null, isOfHeads: false }
    this.#files.set(name, made)
    return made
  }

  compare(placed: Placed, stored: string | undefined): void {
    const { position, hash } = placed.head
    const { last, expiredThrough } = this.#log
    if (position < expiredThrough) {
      this.#expired++
      return
    }
    // The log names the hash of its last expired entry, so a head there is compared as all others.
    if (position === expiredThrough && position > 0) {
      this.#expired++
      stored = Buffer.from(this.#log.startHash).toString('hex')
    }
    if (stored === undefined && position > last) {
      this.#beyondCount++
      if (!this.#beyond || position > this.#beyond.head.position) this.#beyond = placed
      return
    }
    if (stored === hash) {
      const bound = this.#differs?.head.position ?? Number.POSITIVE_INFINITY
      if (position < bound) this.#agrees = Math.max(this.#agrees, position)
      return
    }
    this.#differing++
    if (this.#differs && this.#differs.head.position <= position) return
    if (this.#agrees >= position) this.#agrees = 0
    this.#differs = placed
  }

  result(): HeadsVerification {
    if (this.#differs) {
      const { head, at } = this.#differs
      const from = Math.min(Math.max(this.#agrees, this.#log.expiredThrough) + 1, head.position)
      const between =
        from === head.position ? `entry ${from}` : `an entry from ${from} to ${head.position}`
      this.#note(
        'DIFFERS',
        from,
        `${at}: at ${head.at} the log had at position ${head.position} the hash ${short(head.hash)}…, and it has another one now: ${between} was ` +
          (this.#log.broken
            ? 'rewritten'
            : 'replaced. The log fits together with it, so it forks there: entries were removed or an older backup was restored, and then others were appended'),
        this.#differing - 1,
      )
    }
    if (this.#beyond) {
      const { head, at } = this.#beyond
      const { last } = this.#log
      this.#note(
        'BEHIND',
        last + 1,
        `the database is behind: at ${head.at} the log ended at position ${head.position} (${at}), and now it ends at ${last}. ` +
          `Entries ${last + 1} to ${head.position} are gone: they were removed, or the database was restored from a backup that is older than that time`,
        this.#beyondCount - 1,
      )
    }
    const files = [...this.#files.entries()]
    for (const [name, { isOfHeads, others, firstOther }] of files)
      if (isOfHeads && others > 0 && name !== STANDARD_INPUT)
        this.#note(
          'UNKNOWN_LINE',
          null,
          `${firstOther} is no head, and ${name} is a file of heads: the line was edited`,
          others - 1,
        )
    return {
      heads: this.#heads,
      expired: this.#expired,
      otherLines: files.reduce((sum, [, f]) => sum + f.others, 0),
      firstOtherLine: files.find(([, f]) => f.firstOther !== null)?.[1].firstOther ?? null,
      files: files.filter(([, f]) => f.heads > 0).map(([name]) => name),
      findings: [...this.#findings.values()],
      unverified: this.#unverified,
    }
  }

  #note(kind: HeadFault, position: number | null, detail: string, more = 0): void {
    const found = this.#findings.get(kind)
    if (found) found.more++
    else this.#findings.set(kind, { kind, position, detail, more })
  }
}

const short = (hash: string) => hash.slice(0, 12)
