import { lookup } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Backoff } from '../../../schema/kit/backoff.ts'
import { isReachable } from '../../../schema/kit/networkAddress.ts'
import type { Credential, CredentialCache } from '../auth/credential.ts'
import type { PullPosition } from '../contract.ts'
import type { StreamDefinition } from '../definition/stream.ts'
import { failureOf } from '../request/failure.ts'
import type { SourceConnection } from '../sourceConnection.ts'
import { AvroSchemas } from './avroSchemas.ts'
import type { StreamedEvent, StreamPage } from './contract.ts'
import {
  type CallValues,
  type FetchRequest,
  type FetchResponse,
  openPubSubClient,
  type PubSubClient,
} from './pubSubClient.ts'
import { streamFailure } from './streamFailure.ts'
import { writeTemplate } from './writeTemplate.ts'

/** Events that may be under way to us: the service's own bound. */
export const outstandingMax = 100
/** Failures in a row after which the scheduler decides when to go on. */
const failuresMax = 6

/** The place before the oldest event. */
const EARLIEST = 'EARLIEST'

export interface ReaderParts {
  source: string
  connection: SourceConnection
  stream: StreamDefinition
  topic: string
  credentials: CredentialCache
  positionOf(at: PullPosition['at']): PullPosition
  authorities: readonly string[] | undefined
  msMax: number
  retry: { msMin: number; msMax: number }
}

/** Reads one stream of a source system. */
export class Reader {
  readonly #parts: ReaderParts

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  async *read(
    from: PullPosition | null,
    signal: AbortSignal,
  ): AsyncGenerator<StreamPage, void, void> {
    const { source, topic, credentials, retry } = this.#parts
    const client = await this.#open()
    const backoff = new Backoff(retry.msMin, retry.msMax)
    let at = from
    let failures = 0
    let isRenewed = false
    try {
      for (;;) {
        signal.throwIfAborted()
        const credential = await credentials.get()
        try {
          for await (const page of this.#subscribe(client, credential, at, signal)) {
            failures = 0
            isRenewed = false
            backoff.reset()
            yield page
            at = page.position
          }
          throw new Error('the service ended the stream')
        } catch (e) {
          signal.throwIfAborted()
          const failure = streamFailure(source, topic, e)
          if (failure.verdict === 'SIGN_IN' && !isRenewed) {
            isRenewed = true
            credentials.reject(credential)
            continue
          }
          if (failure.verdict !== 'RETRY' || ++failures >= failuresMax) throw failure
          await sleep(backoff.next(), undefined, { signal })
        }
      }
    } finally {
      client.close()
    }
  }

  /** Plain text is for a service on this machine alone. Throws ConnectionError. */
  async #open(): Promise<PubSubClient> {
    const { source, topic, connection, stream, authorities } = this.#parts
    const url = new URL(writeTemplate(stream.pubSub, connection.values))
    const refuse = (what: string): never => {
      const name = { source, object: topic, method: 'Subscribe', path: '' }
      throw failureOf(name, {
        verdict: 'PERMANENT',
        code: 'ADDRESS_REFUSED',
        what,
        advice: 'correct the address of the stream',
      })
    }
    const tls = url.protocol === 'https:'
    const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
    if (!tls && !isLoopback) refuse(`${url.origin} would get the credential as plain text`)
    if (!connection.privateAddresses)
      for (const { address } of await lookup(url.hostname, { all: true }))
        if (!isReachable(address, []))
          refuse(`${url.hostname} leads to an address that is not public`)
    const port = url.port || (tls ? '443' : '80')
    return openPubSubClient(`${url.hostname}:${port}`, {
      tls,
      authorities: authorities && Buffer.from(authorities.join('\n')),
    })
  }

  async *#subscribe(
    client: PubSubClient,
    credential: Credential,
    from: PullPosition | null,
    signal: AbortSignal,
  ): AsyncGenerator<StreamPage, void, void> {
    const { topic, msMax, positionOf } = this.#parts
    const values = this.#valuesOf(credential)
    const schemas = new AvroSchemas((id) => client.schema(id, values, signal))
    const call = client.subscribe(values)
    const cancel = () => call.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    // A connection that is cut without a word is noticed by its silence.
    let silence = setTimeout(cancel, msMax)
    call.write(firstRequest(topic, from))
    // Counted here: what the service states as pending may not know of the last request yet.
    let outstanding = outstandingMax
    try {
      for await (const response of call as AsyncIterable<FetchResponse>) {
        clearTimeout(silence)
        const events = await Promise.all(response.events.map((e) => decoded(e, schemas)))
        const last = response.events.at(-1)?.replay_id ?? response.latest_replay_id
        if (last.length > 0) yield { events, position: positionOf(last.toString('base64')) }
        // Only now are the events stored, so that at most so many are under way.
        outstanding -= response.events.length
        if (outstanding <= outstandingMax / 2) {
          call.write({ topic_name: topic, num_requested: outstandingMax - outstanding })
          outstanding = outstandingMax
        }
        silence = setTimeout(cancel, msMax)
      }
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', cancel)
      call.on('error', () => {})
      call.cancel()
    }
  }

  #valuesOf(credential: Credential): CallValues {
    const { connection, stream } = this.#parts
    const values = new Map(connection.values)
    for (const [name, value] of credential.values) values.set(`auth.${name}`, value)
    return {
      accessToken: (credential.headers.get('authorization') ?? '').replace(/^Bearer /, ''),
      instance: writeTemplate(stream.instance, values),
      tenant: writeTemplate(stream.tenant, values),
    }
  }
}

function firstRequest(topic: string, from: PullPosition | null): FetchRequest {
  const asked = { topic_name: topic, num_requested: outstandingMax }
  if (from === null) return { ...asked, replay_preset: 'LATEST' }
  return from.at === EARLIEST
    ? { ...asked, replay_preset: 'EARLIEST' }
    : { ...asked, replay_preset: 'CUSTOM', replay_id: Buffer.from(String(from.at), 'base64') }
}

/** Decodes an event. One that cannot be decoded is passed on with the reason, and stops no other. */
async function decoded(
  { event, replay_id }: FetchResponse['events'][number],
  schemas: AvroSchemas,
): Promise<StreamedEvent> {
  const position = replay_id.toString('base64')
  const id = event?.id || position
  if (!event) return { ...{ id, position, payload: null, schema: null }, problem: 'it is empty' }
  const { schema, decode } = await schemas.get(event.schema_id)
  try {
    return { ...{ id, position, schema }, payload: decode(event.payload), problem: null }
  } catch (e) {
    const problem = e instanceof Error ? e.message : String(e)
    return { ...{ id, position, schema }, payload: event.payload.toString('base64'), problem }
  }
}
