import { fileURLToPath } from 'node:url'
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

export interface FetchRequest {
  topic_name: string
  replay_preset?: 'LATEST' | 'EARLIEST' | 'CUSTOM'
  replay_id?: Buffer
  num_requested: number
}

export interface FetchResponse {
  events: { event: { id: string; schema_id: string; payload: Buffer } | null; replay_id: Buffer }[]
  latest_replay_id: Buffer
}

interface SchemaInfo {
  schema_json: string
}

export type Subscription = ClientDuplexStream<FetchRequest, FetchResponse>

/** The values that each call carries. */
export interface CallValues {
  accessToken: string
  instance: string
  tenant: string
}

export interface PubSubClient {
  subscribe(values: CallValues): Subscription
  schema(id: string, values: CallValues, signal: AbortSignal): Promise<string>
  close(): void
}

const protoFile = fileURLToPath(new URL('./pubsub.proto', import.meta.url))
const answerBytesMax = 16 * 1024 * 1024
const keepAliveMs = 60_000
const schemaMsMax = 30_000

/** The service of the proto file, for a client and for a server of a test. */
export function loadPubSub() {
  const loaded = loadSync(protoFile, { keepCase: true, enums: String, defaults: true })
  const service = loaded['eventbus.v1.PubSub'] as ServiceDefinition
  return {
    Subscribe: service.Subscribe as MethodDefinition<FetchRequest, FetchResponse>,
    GetSchema: service.GetSchema as MethodDefinition<{ schema_id: string }, SchemaInfo>,
  }
}

/** Opens a client of `host:port`. Without `tls` the connection is plain text. Connects when used. */
export function openPubSubClient(
  address: string,
  { tls, authorities }: { tls: boolean; authorities?: Buffer | undefined },
): PubSubClient {
  const { Subscribe, GetSchema } = loadPubSub()
  const channel = tls ? credentials.createSsl(authorities ?? null) : credentials.createInsecure()
  const client = new Client(address, channel, {
    'grpc.max_receive_message_length': answerBytesMax,
    'grpc.keepalive_time_ms': keepAliveMs,
    // A proxy of the environment would see a credential that belongs to the system alone.
    'grpc.enable_http_proxy': 0,
  })
  return {
    subscribe: (values) =>
      client.makeBidiStreamRequest(
        Subscribe.path,
        Subscribe.requestSerialize,
        Subscribe.responseDeserialize,
        metadataOf(values),
      ),
    schema: (id, values, signal) =>
      new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(
          GetSchema.path,
          GetSchema.requestSerialize,
          GetSchema.responseDeserialize,
          { schema_id: id },
          metadataOf(values),
          { deadline: Date.now() + schemaMsMax },
          (error, info) => {
            signal.removeEventListener('abort', cancel)
            if (info && !error) resolve(info.schema_json)
            else reject(error ?? new Error('the service returned no schema'))
          },
        )
        const cancel = () => call.cancel()
        signal.addEventListener('abort', cancel, { once: true })
      }),
    close: () => client.close(),
  }
}

function metadataOf({ accessToken, instance, tenant }: CallValues): Metadata {
  const metadata = new Metadata()
  metadata.set('accesstoken', accessToken)
  metadata.set('instanceurl', instance)
  metadata.set('tenantid', tenant)
  return metadata
}
