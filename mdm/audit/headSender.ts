import type { Sql } from '../db/database.ts'
import { type AuditHead, signStoredHead } from './auditHead.ts'
import { loadAuditKeys } from './auditKeys.ts'
import type { BrokenRow, ChainStart } from './chainWalk.ts'
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
  /** The fault of the log, as far as this process has followed it; null if there is none. */
  broken: BrokenRow | null
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
  pollMs?: number
}

const pollMsDefault = 1_000
const retryMsMin = 2_000
const retryMsMax = 60_000
const lastAttemptMsMax = 5_000

interface Sink extends SinkState {
  send: HeadSink['send']
  sentAt: number
  retryAt: number
  retryMs: number
}

interface StoredHead {
  id: number
  hash: Uint8Array
  chain: string
  keys: string[]
  startId: number
  /** The stored hash at the last place that was right. */
  known: Uint8Array | null
}

/**
 * Sends heads of the audit log out of the database, and checks on the way that the log goes on from
 * the last one. It reads beside the actions and never blocks one. A sink that fails is tried again
 * with the newest head, which covers all before it.
 */
export class AuditHeadSender {
  readonly #o: HeadSenderOptions
  readonly #sinks: Sink[]
  #place: ChainStart | null
  #position = 0
  #broken: BrokenRow | null = null
  #unchecked: string | null = null
  #checkAt = 0
  #running: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null

  constructor(options: HeadSenderOptions) {
    this.#o = options
    this.#sinks = options.sinks.map(({ name, send }) => ({
      ...{ name, send, position: 0, failures: 0, why: null },
      ...{ sentAt: Number.NEGATIVE_INFINITY, retryAt: 0, retryMs: retryMsMin },
    }))
    const { earlier, fault } = options
    if (fault) options.log('error', fault, 'the file of heads of the audit log was edited')
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
      broken: this.#broken ?? this.#o.fault,
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
    try {
      const head = await this.#read()
      if (!head || head.id === 0) {
        if (this.#place)
          this.#note({ id: 1, detail: `the log is empty, and it had ${this.#place.id} entries` })
        return
      }
      this.#position = head.id
      await this.#check(head)
      const now = performance.now()
      const due = this.#sinks.filter((s) => this.#isDue(s, head.id, now, isLast))
      if (due.length === 0) return
      const hash = Buffer.from(head.hash).toString('hex')
      const signed = await signStoredHead({ ...head, hash })
      // A log from before keys is sealed by the start of a server.
      if (!signed) return
      await Promise.all(due.map((sink) => this.#send(sink, signed)))
      this.#unchecked = null
    } catch (e) {
      const why = e instanceof Error ? e.message : String(e)
      if (this.#unchecked !== why)
        this.#o.log('warn', { err: why }, 'the head of the audit log could not be read and sent')
      this.#unchecked = why
    }
  }

  #isDue(sink: Sink, position: number, now: number, isLast: boolean): boolean {
    if (sink.position === position) return false
    if (isLast) return true
    if (now < sink.retryAt) return false
    return (
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

  async #read(): Promise<StoredHead | undefined> {
    const [head] = await this.#o.sql<StoredHead[]>`
      select h.id, h.hash, h.chain, h.keys, h.start_id as "startId",
        (select a.hash from audit a where a.id = ${this.#place?.id ?? 0}) as known
      from audit_head h`
    return head
  }

  /** Checks the entries since the last place that was right. */
  async #check(head: StoredHead): Promise<void> {
    const place = this.#place
    if (!place) {
      this.#place = { chain: head.chain, id: head.id, hash: head.hash, keys: head.keys }
      return
    }
    if (this.#broken && performance.now() < this.#checkAt) return
    this.#checkAt = performance.now() + this.#o.everyMs
    if (head.chain !== place.chain)
      return this.#note({
        id: 1,
        detail: `the log is ${head.chain}, and heads of the log ${place.chain} were sent`,
      })
    if (head.id < place.id)
      return this.#note({
        id: head.id + 1,
        detail: `the log ends at ${head.id}, and a head at ${place.id} was sent: its end was removed, or an older backup was restored`,
      })
    // An entry that has expired since then cannot be compared; the next head is the place.
    const isExpired = place.id <= head.startId
    if (!isExpired && (!head.known || !Buffer.from(head.known).equals(place.hash)))
      return this.#note({
        id: place.id,
        detail: 'it is not the entry whose hash was sent as the head',
      })
    if (isExpired) this.#place = { ...place, id: head.id, hash: head.hash, keys: head.keys }
    else if (head.id > place.id) {
      const { walk, broken } = await verifyAfter(
        this.#o.sql,
        await loadAuditKeys(head.keys.length === 0),
        place,
      )
      if (broken) return this.#note(broken)
      this.#place = { chain: place.chain, id: walk.last, hash: walk.lastHash, keys: walk.keyIds }
    }
    if (this.#broken) this.#o.log('info', {}, 'the audit log goes on from the last head again')
    this.#broken = null
  }

  #note(broken: BrokenRow): void {
    if (this.#broken?.detail !== broken.detail || this.#broken.id !== broken.id)
      this.#o.log(
        'error',
        { position: broken.id, detail: broken.detail },
        'the audit log was changed: compare it with its heads (touchstone audit verify --against)',
      )
    this.#broken = broken
  }
}
