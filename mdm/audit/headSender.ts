import { counted } from '../../schema/kit/numberText.ts'
import type { Sql } from '../db/database.ts'
import type { AuditHead } from './auditHead.ts'
import { AuditKeyError, type KeyRing, loadAuditKeys } from './auditKeys.ts'
import { type BreakMark, readBreakMark, recordBreak } from './breaks.ts'
import type { BrokenRow, ChainStart } from './chainWalk.ts'
import type { GuardFault } from './guardFault.ts'
import { findGuardFaults, type GuardOptions } from './guards.ts'
import { faultOfStart } from './signedEntry.ts'
import { faultOfEnd, headColumns, type StoredHead, signStoredHead } from './storedHead.ts'
import { verifyAfter } from './verifyAudit.ts'

/** Where heads go. `send` throws if the head did not arrive. */
export interface HeadSink {
  name: string
  send(head: AuditHead): Promise<void>
}

export interface SinkState {
  name: string
  /** The last position that arrived, 0 if none did. */
  position: number
  failures: number
  /** Why the last attempt failed; null if it did not. */
  why: string | null
}

export interface HeadsState {
  /** The last position that was read. */
  position: number
  sinks: SinkState[]
  /**
   * The fault of the log, as far as this process has followed it; null if there is none. It stays
   * until somebody lets heads go on (`touchstone audit resume`).
   */
  broken: BrokenRow | null
  /** Faults of the guards that refuse changes of the history. */
  guards: readonly GuardFault[]
  /** Why the log could not be read or checked; null if it could. */
  unchecked: string | null
}

export interface HeadSenderOptions {
  sql: Sql
  sinks: readonly HeadSink[]
  /** A head that was sent by an earlier process: the log must still contain it. */
  earlier: AuditHead | null
  /** The fault of the heads that earlier processes have sent; null if there is none. */
  fault: BrokenRow | null
  /** A changed head is sent after this time at the latest, or after so many entries. */
  everyMs: number
  everyEntries: number
  log: (level: 'info' | 'warn' | 'error', facts: object, message: string) => void
  guards?: GuardOptions
  pollMs?: number
}

const pollMsDefault = 1_000
const retryMsMin = 2_000
const retryMsMax = 60_000
const lastAttemptMsMax = 5_000
/** Guards are read from the catalog: a dozen short queries. */
const guardsEveryMs = 60_000

interface Sink extends SinkState {
  send: HeadSink['send']
  /** The break that the last head sent to it names. */
  broken: number | undefined
  sentAt: number
  retryAt: number
  retryMs: number
}

interface FollowedHead extends StoredHead {
  /** The stored hash at the last place that was right; null if it is gone. */
  known: Uint8Array | null
}

/**
 * Sends heads of the audit log out of the database, and checks on the way that the log goes on from
 * the last one. It reads beside the actions and never blocks one. A sink that fails is tried again
 * with the newest head, which covers all before it.
 *
 * After a break each head says so, until somebody accepts the break. Heads do not stop:
 * an attacker who breaks the log once could then remove what follows, and no head would show it.
 */
export class AuditHeadSender {
  readonly #o: HeadSenderOptions
  readonly #sinks: Sink[]
  #place: ChainStart | null
  #position = 0
  #broken: BrokenRow | null
  /** A break is accepted by an entry after this one; null until the log was read. */
  #brokenAt: number | null = null
  /** The beginning of the log that a signed entry proves. */
  #provenStart: string | null = null
  /** Why the beginning could not be proven: its key is not here. Null if it could. */
  #unproven: string | null = null
  #guards: readonly GuardFault[] = []
  #guardsAt = 0
  /** Why the guards could not be read; null if they could. */
  #unguarded: string | null = null
  #unchecked: string | null = null
  #running: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null

  constructor(options: HeadSenderOptions) {
    this.#o = options
    this.#sinks = options.sinks.map(({ name, send }) => ({
      ...{ name, send, position: 0, failures: 0, why: null, broken: undefined },
      ...{ sentAt: Number.NEGATIVE_INFINITY, retryAt: 0, retryMs: retryMsMin },
    }))
    const { earlier, fault } = options
    if (fault) options.log('error', fault, 'the file of heads of the audit log was edited')
    this.#broken = fault
    if (earlier?.broken !== undefined) {
      const detail = 'the last head that was sent says that it was found broken there'
      this.#broken = { id: earlier.broken, detail }
      this.#brokenAt = earlier.position
    }
    this.#place = earlier && {
      chain: earlier.chain,
      id: earlier.position,
      hash: Buffer.from(earlier.hash, 'hex'),
      keys: [earlier.key],
    }
  }

  get state(): HeadsState {
    return {
      position: this.#position,
      sinks: this.#sinks.map(({ name, position, failures, why }) => ({
        ...{ name, position, failures, why },
      })),
      broken: this.#broken,
      guards: this.#guards,
      unchecked: this.#unchecked,
    }
  }

  start(): void {
    let isBusy = false
    const look = () => {
      if (isBusy) return
      isBusy = true
      this.#running = this.look().finally(() => {
        isBusy = false
      })
    }
    look()
    this.#timer = setInterval(look, this.#o.pollMs ?? pollMsDefault)
    this.#timer.unref()
  }

  /** Sends the last head to every sink that does not have it, within some seconds. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer)
    const timeout = AbortSignal.timeout(lastAttemptMsMax)
    const late = new Promise<void>((resolve) => {
      timeout.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([this.#running.then(() => this.look(true)), late])
    for (const { name, position } of this.#sinks)
      if (position < this.#position)
        this.#o.log(
          'warn',
          { sink: name, position, head: this.#position },
          'the last head of the audit log was not sent to this sink before the stop',
        )
  }

  /** Reads the head, checks what is new, and sends what is due. Never throws. */
  async look(isLast = false): Promise<void> {
    await this.#checkGuards()
    try {
      const first = await this.#read()
      if (!first || first.id === 0) {
        if (this.#place) {
          const had = counted(this.#place.id, 'entry', 'entries')
          this.#note({ id: 1, detail: `the log is empty, and it had ${had}` }, 0)
        }
        return
      }
      const head = await this.#check(first)
      this.#position = head.id
      const now = performance.now()
      const due = this.#sinks.filter((s) => this.#isDue(s, head.id, now, isLast))
      if (due.length > 0) {
        const signed = await signStoredHead(head, this.#broken)
        // A log from before keys is sealed by the start of a server.
        if (!signed) return
        await Promise.all(due.map((sink) => this.#send(sink, signed)))
      }
      this.#unchecked = this.#unproven ?? this.#unguarded
    } catch (e) {
      const why = e instanceof Error ? e.message : String(e)
      if (this.#unchecked !== why)
        this.#o.log('warn', { err: why }, 'the head of the audit log could not be read and sent')
      this.#unchecked = why
    }
  }

  #isDue(sink: Sink, position: number, now: number, isLast: boolean): boolean {
    const isNewBreak = sink.broken !== this.#broken?.id
    if (sink.position === position && !isNewBreak) return false
    if (isLast) return true
    if (now < sink.retryAt) return false
    return (
      isNewBreak ||
      sink.why !== null ||
      now - sink.sentAt >= this.#o.everyMs ||
      position - sink.position >= this.#o.everyEntries
    )
  }

  async #send(sink: Sink, head: AuditHead): Promise<void> {
    try {
      await sink.send(head)
      if (sink.why !== null)
        this.#o.log('info', { sink: sink.name }, 'heads of the audit log are sent again')
      sink.position = head.position
      sink.broken = head.broken
      sink.sentAt = performance.now()
      sink.why = null
      sink.retryMs = retryMsMin
    } catch (e) {
      const why = e instanceof Error ? e.message : String(e)
      if (sink.why !== why)
        this.#o.log(
          'error',
          { sink: sink.name, position: head.position, err: why },
          'the head of the audit log could not be sent; it is tried again',
        )
      sink.why = why
      sink.failures++
      sink.retryAt = performance.now() + sink.retryMs
      sink.retryMs = Math.min(2 * sink.retryMs, retryMsMax)
    }
  }

  async #read(): Promise<FollowedHead | undefined> {
    const place = this.#place?.id ?? 0
    const [head] = await this.#o.sql<FollowedHead[]>`
      select ${headColumns(this.#o.sql)}, case when h.start_id = ${place} then h.start_hash
          else (select a.hash from audit a where a.id = ${place}) end as known
      from audit_head h`
    return head
  }

  /**
   * Checks the log since the last place that was right, unless a break is known and open. Returns
   * the head to sign.
   */
  async #check(first: FollowedHead): Promise<FollowedHead> {
    if (first.keys.length === 0 && !this.#place && !this.#broken) return first
    const ring = await loadAuditKeys(false)
    const mark = await readBreakMark(this.#o.sql, ring, first.chain)
    let head = mark && mark.id > first.id ? await this.#readAgain(first) : first
    if (this.#follow(mark, head)) head = await this.#readAgain(head)
    if (!this.#broken) {
      const broken = await this.#faultOf(head, ring)
      // An expiry meanwhile is seen as a whole by the next look. Until then no head is signed.
      if (broken && (await this.#readAgain(head)).startId !== head.startId)
        throw new Error('the beginning of the audit log moved during the check')
      if (broken) this.#note(broken, head.id)
    }
    // Somebody may have removed the record: it is written again.
    if (this.#broken && !mark?.open) await this.#record(this.#broken, ring)
    return head
  }

  async #readAgain(head: FollowedHead): Promise<FollowedHead> {
    return (await this.#read()) ?? head
  }

  async #record(broken: BrokenRow, ring: KeyRing): Promise<void> {
    try {
      await recordBreak(this.#o.sql, ring, broken)
    } catch (e) {
      // The head that says so leaves the database all the same.
      const err = e instanceof Error ? e.message : String(e)
      this.#o.log('error', { err }, 'the break of the audit log could not be recorded in it')
    }
  }

  /**
   * Takes over what other processes have found, and that somebody accepted it. Returns whether the
   * place moved to the entry that says so.
   */
  #follow(mark: BreakMark | null, head: FollowedHead): boolean {
    if (this.#broken) this.#brokenAt ??= head.id
    if (mark?.open) {
      if (!this.#broken) this.#note(mark.open, mark.id)
      this.#brokenAt = mark.id
      return false
    }
    const after = (this.#broken ? this.#brokenAt : this.#place?.id) ?? 0
    if (!mark || mark.id <= after) return false
    if (this.#broken)
      this.#o.log('info', { position: mark.id }, 'heads of the audit log go on after a break')
    this.#broken = null
    this.#brokenAt = null
    const keys = head.keys.slice(0, head.keys.indexOf(mark.keyId ?? '') + 1)
    this.#place = { chain: head.chain, id: mark.id, hash: mark.hash, keys }
    return true
  }

  /** Returns what is wrong since the last place that was right, and moves the place. */
  async #faultOf(head: FollowedHead, ring: KeyRing): Promise<BrokenRow | null> {
    const { sql } = this.#o
    const place = this.#place
    if (place && head.chain !== place.chain)
      return {
        id: 1,
        detail: `the log is ${head.chain}, and heads of the log ${place.chain} were sent`,
      }
    if (place && head.id < place.id)
      return {
        id: head.id + 1,
        detail: `the log ends at ${head.id}, and a head at ${place.id} was sent: its end was removed, or an older backup was restored`,
      }
    const unproven = startOf(head) === this.#provenStart ? null : await this.#prove(head, ring)
    if (unproven) return unproven
    const fault = await faultOfEnd(sql, ring, head)
    if (!place) {
      const { chain, id, hash, keys } = head
      if (!fault) this.#place = { chain, id, hash, keys }
      return fault
    }
    // An entry that has expired since then cannot be compared: the proven beginning takes its place.
    const isExpired = place.id < head.startId
    if (!isExpired && (!head.known || !Buffer.from(head.known).equals(place.hash)))
      return { id: place.id, detail: 'it is not the entry whose hash was sent as the head' }
    if (head.id === place.id) return fault
    const from = isExpired ? { chain: head.chain, id: head.startId, hash: head.startHash } : place
    const { walk, broken } = await verifyAfter(sql, ring, from)
    if (broken ?? fault) return broken ?? fault
    if (walk.last < head.id)
      return {
        id: walk.last + 1,
        detail: `it is missing, and the head of the log names ${head.id}`,
      }
    const keys = [...new Set([...(isExpired ? (place.keys ?? []) : []), ...walk.keyIds])]
    this.#place = { chain: place.chain, id: walk.last, hash: walk.lastHash, keys }
    return null
  }

  /** Returns why nothing proves where the log begins. */
  async #prove(head: FollowedHead, ring: KeyRing): Promise<BrokenRow | null> {
    try {
      const fault = await faultOfStart(this.#o.sql, ring, head)
      if (fault) return fault
      this.#unproven = null
    } catch (e) {
      if (!(e instanceof AuditKeyError)) throw e
      // An earlier key may have been removed from this process: heads go on.
      this.#unproven = `the beginning of the log is not proven: ${e.message}`
      this.#o.log('warn', { startId: head.startId }, this.#unproven)
    }
    this.#provenStart = startOf(head)
    return null
  }

  #note(broken: BrokenRow, head: number): void {
    if (this.#broken?.detail !== broken.detail || this.#broken.id !== broken.id)
      this.#o.log(
        'error',
        { position: broken.id, detail: broken.detail },
        'the audit log was changed: compare it with its heads (touchstone audit verify --against). Heads say so until "touchstone audit resume"',
      )
    this.#broken = broken
    this.#brokenAt = head
  }

  /** Never throws: heads go on if the catalog cannot be read. */
  async #checkGuards(): Promise<void> {
    if (performance.now() < this.#guardsAt) return
    try {
      const faults = await findGuardFaults(this.#o.sql, this.#o.guards)
      this.#guardsAt = performance.now() + guardsEveryMs
      this.#unguarded = null
      const known = new Set(this.#guards.map(guardText))
      for (const fault of faults)
        if (!known.has(guardText(fault)))
          this.#o.log(
            fault.isNote ? 'warn' : 'error',
            fault,
            'the database no longer guards the history as the migrations create it',
          )
      this.#guards = faults
    } catch (e) {
      this.#unguarded = `the guards of the history could not be read: ${e instanceof Error ? e.message : e}`
    }
  }
}

const startOf = ({ startId, startHash }: StoredHead) =>
  `${startId} ${Buffer.from(startHash).toString('hex')}`
const guardText = ({ guard, detail }: GuardFault) => `${guard}: ${detail}`
