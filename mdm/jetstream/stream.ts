import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { positionOf } from './message.ts'

export interface NatsOptions {
  /** nats:// or tls://, with user and password if need be; several of one cluster. */
  servers: readonly string[]
  /** What a .creds file holds, for accounts with JWTs. */
  credentials?: string | undefined
  stream: string
  /** Subjects of the stream begin with it. */
  subject: string
  /** Of a stream that is made here. */
  replicas: number
}

/** What to look at last: the stream's end. */
export interface StreamEnd {
  /** Sequence of the stream; 0 where nothing was ever in it. */
  sequence: number
  /** Feed and position of the last message; null where it holds none, or one that is not ours. */
  place: { feed: string; position: number } | null
  /** Messages that it holds. */
  messages: number
}

const connectMsMax = 5_000
const pingMs = 5_000
/** The server drops a message id that it has had for so long. */
const duplicateWindowNs = 120_000 * 1e6

/**
 * A connection to JetStream that is not mended: who uses it connects anew and looks where the
 * stream ends.
 */
export class ChangeStream {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly #jsm: JetStreamManager
  readonly #o: NatsOptions

  private constructor(nc: NatsConnection, jsm: JetStreamManager, options: NatsOptions) {
    this.nc = nc
    this.js = jetstream(nc)
    this.#jsm = jsm
    this.#o = options
  }

  static async open(options: NatsOptions, name: string): Promise<ChangeStream> {
    const urls = options.servers.map((s) => new URL(s))
    const { username, password } = urls[0] ?? new URL('nats://127.0.0.1')
    const nc = await connect({
      servers: urls.map((u) => u.host),
      name,
      reconnect: false,
      timeout: connectMsMax,
      pingInterval: pingMs,
      maxPingOut: 2,
      ...(urls.some((u) => u.protocol === 'tls:') ? { tls: {} } : {}),
      ...(username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {}),
      ...(options.credentials ? { authenticator: credsAuthenticator(Buffer.from(options.credentials)) } : {}),
    })
    try {
      return new ChangeStream(nc, await jetstreamManager(nc), options)
    } catch (e) {
      await nc.close()
      throw e
    }
  }

  /**
   * Makes the stream where there is none. One that is there keeps the limits that somebody gave it.
   */
  async ensure(): Promise<void> {
    const { stream, subject, replicas } = this.#o
    try {
      await this.#jsm.streams.info(stream)
    } catch (e) {
      if (!missing(e)) throw e
      await this.#jsm.streams.add({
        name: stream,
        subjects: [`${subject}.>`],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        discard: DiscardPolicy.Old,
        duplicate_window: duplicateWindowNs,
        num_replicas: replicas,
        allow_direct: true,
      })
    }
  }

  /**
   * Asked of the leader, so that it is not behind what was acknowledged. Null where there is no
   * stream.
   */
  async end(): Promise<StreamEnd | null> {
    try {
      const { state } = await this.#jsm.streams.info(this.#o.stream)
      const sequence = state.last_seq
      if (state.messages === 0) return { sequence, place: null, messages: 0 }
      const last = await this.#jsm.streams.getMessage(this.#o.stream, { seq: sequence })
      return { sequence, place: last ? positionOf(jsonOf(last.data)) : null, messages: state.messages }
    } catch (e) {
      if (missing(e)) return null
      throw e
    }
  }

  async close(): Promise<void> {
    await this.nc.close()
  }
}

/** JSON of a message's bytes; null where it is none. */
export function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'))
  } catch {
    return null
  }
}

/** Neither a stream nor a message of this name: 10059 and 10037. */
function missing(e: unknown): boolean {
  return e instanceof JetStreamApiError && (e.code === 10_059 || e.code === 10_037)
}
