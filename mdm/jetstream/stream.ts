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
  /** nats:// or tls://, with user and password if needed; several servers of one cluster. */
  servers: readonly string[]
  /** Content of a .creds file, for accounts with JWTs. */
  credentials?: string | undefined
  stream: string
  /** Prefix of the stream's subjects. */
  subject: string
  /** Replicas of a stream that is created here. */
  replicas: number
}

/** State of the stream's end. */
export interface StreamEnd {
  /** Last sequence of the stream; 0 if it never had a message. */
  sequence: number
  /**
   * Epoch and position of the last message; null if there is none, or Touchstone did not publish it.
   */
  place: { epoch: string; position: number } | null
  /** Number of messages in the stream. */
  messages: number
}

const connectMsMax = 5_000
const pingMs = 5_000
/** The server drops repeated message ids within this window. */
const duplicateWindowNs = 120_000 * 1e6

/**
 * A connection to JetStream that is never repaired: its user connects again and reads where the
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
      // Credentials go to the servers of the configuration, not to those that a server names.
      ignoreClusterUpdates: true,
      timeout: connectMsMax,
      pingInterval: pingMs,
      maxPingOut: 2,
      ...(urls.some((u) => u.protocol === 'tls:') ? { tls: {} } : {}),
      ...(username
        ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) }
        : {}),
      ...(options.credentials
        ? { authenticator: credsAuthenticator(Buffer.from(options.credentials)) }
        : {}),
    })
    try {
      return new ChangeStream(nc, await jetstreamManager(nc), options)
    } catch (e) {
      await nc.close()
      throw e
    }
  }

  /** Creates the stream if it does not exist. An existing one keeps its limits. */
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
   * Reads the end from the leader, so that it includes everything acknowledged. Returns null if
   * there is no stream.
   */
  async end(): Promise<StreamEnd | null> {
    try {
      const { state } = await this.#jsm.streams.info(this.#o.stream)
      const sequence = state.last_seq
      if (state.messages === 0) return { sequence, place: null, messages: 0 }
      const last = await this.#jsm.streams.getMessage(this.#o.stream, { seq: sequence })
      return {
        sequence,
        place: last ? positionOf(jsonOf(last.data)) : null,
        messages: state.messages,
      }
    } catch (e) {
      if (missing(e)) return null
      throw e
    }
  }

  async close(): Promise<void> {
    await this.nc.close()
  }
}

/** Returns the JSON of a message's bytes; null if they are not JSON. */
export function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8'))
  } catch {
    return null
  }
}

/** Returns whether the error means a missing stream or message: 10059 and 10037. */
function missing(e: unknown): boolean {
  return e instanceof JetStreamApiError && (e.code === 10_059 || e.code === 10_037)
}
