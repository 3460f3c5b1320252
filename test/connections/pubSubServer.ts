import { fileURLToPath } from 'node:url'
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader'
import avsc from 'avsc'

/** The schema of change events of Account, as far as the tests use it. */
const SCHEMA = {
  type: 'record',
  name: 'AccountChangeEvent',
  namespace: 'com.sforce.eventbus',
  fields: [
    {
      name: 'ChangeEventHeader',
      type: {
        type: 'record',
        name: 'ChangeEventHeader',
        fields: [
          { name: 'entityName', type: 'string' },
          { name: 'recordIds', type: { type: 'array', items: 'string' } },
          {
            name: 'changeType',
            type: {
              type: 'enum',
              name: 'ChangeType',
              symbols: [
                ...['CREATE', 'UPDATE', 'DELETE', 'UNDELETE', 'GAP_CREATE', 'GAP_UPDATE'],
                ...['GAP_DELETE', 'GAP_UNDELETE', 'GAP_OVERFLOW', 'SNAPSHOT'],
              ],
            },
          },
          { name: 'changeOrigin', type: 'string' },
          { name: 'commitTimestamp', type: 'long' },
          { name: 'commitNumber', type: 'long' },
          { name: 'nulledFields', type: { type: 'array', items: 'string' } },
          { name: 'changedFields', type: { type: 'array', items: 'string' } },
        ],
      },
    },
    { name: 'Name', type: ['null', 'string'], default: null },
    { name: 'Phone', type: ['null', 'string'], default: null },
    {
      name: 'BillingAddress',
      type: [
        'null',
        {
          type: 'record',
          name: 'Address',
          fields: [
            { name: 'Street', type: ['null', 'string'], default: null },
            { name: 'City', type: ['null', 'string'], default: null },
          ],
        },
      ],
      default: null,
    },
  ],
}
const type = avsc.Type.forSchema(SCHEMA as Parameters<typeof avsc.Type.forSchema>[0])

interface Request {
  topic_name: string
  replay_preset: string
  replay_id: Buffer
  num_requested: number
}

interface Stored {
  id: string
  payload: Buffer
}

export interface ChangeOf {
  id: string
  changeType: string
  recordIds: string[]
  values?: Record<string, unknown>
  nulledFields?: string[]
  changedFields?: string[]
}

/** A service with one topic whose events are kept by number: the replay id is the number. */
export class PubSubServer {
  readonly requests: Request[] = []
  readonly tokens: string[] = []
  schemas = 0
  /** Access tokens that are refused. */
  readonly refused = new Set<string>()
  /** Positions up to this one are expired. */
  expired = 0
  /** Events under way to a client at most. */
  outstandingMost = 0
  pageEvents = 10
  url = ''
  readonly #events: Stored[] = []
  readonly #server = new Server()
  readonly #calls = new Set<{ call: Call; send(): void }>()
  #commit = 1_772_357_400_000

  async open(): Promise<this> {
    const proto = fileURLToPath(
      new URL('../../connectors/connection/stream/pubsub.proto', import.meta.url),
    )
    const loaded = loadSync(proto, { keepCase: true, enums: String, defaults: true })
    this.#server.addService(loaded['eventbus.v1.PubSub'] as ServiceDefinition, {
      Subscribe: (call: Call) => this.#subscribe(call),
      GetSchema: (
        _: ServerUnaryCall<unknown, unknown>,
        reply: sendUnaryData<{ schema_json: string; schema_id: string }>,
      ) => {
        this.schemas++
        reply(null, { schema_json: JSON.stringify(SCHEMA), schema_id: 's1' })
      },
    })
    const port = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (e, p) =>
        e ? reject(e) : resolve(p),
      ),
    )
    this.url = `http://127.0.0.1:${port}`
    return this
  }

  /** Publishes a change of an account and returns its number. */
  publish({ id, changeType, recordIds, values = {}, ...lists }: ChangeOf): number {
    const payload = type.toBuffer({
      ChangeEventHeader: {
        ...{ entityName: 'Account', changeType, recordIds, changeOrigin: 'test' },
        ...{ commitTimestamp: this.#commit++, commitNumber: this.#events.length },
        nulledFields: lists.nulledFields ?? [],
        changedFields: lists.changedFields ?? [],
      },
      ...{ Name: null, Phone: null, BillingAddress: null },
      ...values,
    })
    return this.publishRaw(id, payload)
  }

  publishRaw(id: string, payload: Buffer): number {
    this.#events.push({ id, payload })
    for (const { send } of this.#calls) send()
    return this.#events.length
  }

  /** Cuts all connections without a word about the streams. */
  cut(): void {
    for (const { call } of this.#calls)
      call.emit('error', { code: status.UNAVAILABLE, details: 'the server goes away' })
  }

  close(): void {
    this.#server.forceShutdown()
  }

  #subscribe(call: Call): void {
    let next = -1
    let pending = 0
    const [token = ''] = call.metadata.get('accesstoken').map(String)
    const refuse = (code: number, error: string, details: string) => {
      const metadata = new Metadata()
      metadata.set('error-code', `sfdc.platform.eventbus.grpc.${error}`)
      call.emit('error', { code, details, metadata })
    }
    const send = () => {
      while (next >= 0 && pending > 0 && next < this.#events.length) {
        const part = this.#events.slice(next, next + Math.min(pending, this.pageEvents))
        const first = next
        next += part.length
        pending -= part.length
        call.write({
          events: part.map(({ id, payload }, n) => ({
            event: { id, schema_id: 's1', payload },
            replay_id: replayId(first + n + 1),
          })),
          latest_replay_id: replayId(next),
          rpc_id: 'r',
          pending_num_requested: pending,
        })
      }
    }
    const entry = { call, send }
    this.#calls.add(entry)
    call.on('data', (request: Request) => {
      this.requests.push(request)
      if (next < 0) {
        this.tokens.push(`${token} ${call.metadata.get('tenantid').join()}`)
        if (this.refused.has(token))
          return refuse(status.UNAUTHENTICATED, 'service.auth.error', 'the token is not valid')
        const from = Number(request.replay_id.toString())
        if (request.replay_preset === 'CUSTOM' && from < this.expired)
          return refuse(
            status.INVALID_ARGUMENT,
            'subscription.fetch.replayid.corrupted',
            'the replay id is outside of the window',
          )
        next =
          request.replay_preset === 'EARLIEST'
            ? this.expired
            : request.replay_preset === 'CUSTOM'
              ? from
              : this.#events.length
        // As the service does when there is nothing for a while.
        call.write({
          ...{ events: [], latest_replay_id: replayId(next), rpc_id: 'r' },
          pending_num_requested: request.num_requested,
        })
      }
      pending += request.num_requested
      this.outstandingMost = Math.max(this.outstandingMost, pending)
      send()
    })
    const end = () => this.#calls.delete(entry)
    call.on('end', () => {
      end()
      call.end()
    })
    call.on('cancelled', end)
    call.on('error', end)
  }
}

type Call = ServerDuplexStream<Request, unknown>

function replayId(n: number): Buffer {
  return Buffer.from(String(n))
}
