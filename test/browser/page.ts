import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql as parsed } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import {
  Client,
  cacheExchange,
  fetchExchange,
  gql,
  type SubscriptionOperation,
  subscriptionExchange,
} from '@urql/core'
import { type DocumentNode, OperationTypeNode } from 'graphql'
import { createClient as sseClient } from 'graphql-sse'
import { createClient as wsClient } from 'graphql-ws'

/** The page of an app on another origin than the gateway, with the recipes of docs/clients. */

export interface Result {
  // biome-ignore lint/suspicious/noExplicitAny: data of any operation
  data?: any
  error?: string | undefined
}
type Variables = Record<string, unknown>

/** What the test calls in the page. */
export interface Page {
  query(client: ClientName, text: string, variables?: Variables): Promise<Result>
  mutate(client: ClientName, text: string, variables?: Variables): Promise<Result>
  /** Subscribes, and notes what arrives under the name. */
  subscribe(client: ClientName, transport: Transport, name: string, text: string): void
  notes(name: string): Note[]
}
export type ClientName = 'apollo' | 'urql'
export type Transport = 'ws' | 'sse'
export interface Note {
  position?: number | undefined
  type?: string | undefined
  error?: string | undefined
}

interface Sink {
  next(result: { data?: Variables | null; errors?: unknown }): void
  error(error: unknown): void
  complete(): void
}
interface Live {
  subscribe(payload: { query: string; variables?: Variables | undefined }, sink: Sink): () => void
}

const url = new URLSearchParams(location.search).get('gateway') ?? ''
const retryWait = () => new Promise<void>((resolve) => setTimeout(resolve, 100))
/** As in docs/clients/urql.md: the end of a stream comes after its last events were handled. */
const endLater: typeof fetch = async (...request) => {
  const response = await fetch(...request)
  const flush = () => new Promise<void>((resolve) => setTimeout(resolve))
  return new Response(response.body?.pipeThrough(new TransformStream({ flush })), response)
}
const live: Record<Transport, Live> = {
  ws: resuming(
    wsClient({
      url: url.replace(/^http/, 'ws'),
      retryAttempts: Number.POSITIVE_INFINITY,
      shouldRetry: () => true,
      retryWait,
    }) as unknown as Live,
  ),
  sse: resuming(
    sseClient({
      url,
      fetchFn: endLater,
      retryAttempts: Number.POSITIVE_INFINITY,
      retry: retryWait,
    }) as unknown as Live,
  ),
}

/** Sends the cursor of the last event as `after` when the connection is open again. */
function resuming(client: Live): Live {
  return {
    subscribe(payload, sink) {
      const variables = { ...payload.variables }
      const next: Sink['next'] = (result) => {
        sink.next(result)
        const changes = result.data?.changes as { cursor?: string } | undefined
        variables.after = changes?.cursor ?? variables.after
      }
      return client.subscribe(
        { ...payload, variables },
        { next, error: (e) => sink.error(e), complete: () => sink.complete() },
      )
    },
  }
}

function apollo(transport: Transport): ApolloClient {
  return new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(live[transport] as never),
      new HttpLink({ uri: url }),
    ),
    cache: new InMemoryCache({
      possibleTypes: { ChangeItem: ['Change', 'Snapshot', 'CaughtUp', 'Lagged'] },
    }),
  })
}

function urql(transport: Transport): Client {
  return new Client({
    url,
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }: SubscriptionOperation) => ({
          subscribe: (sink) => ({
            unsubscribe: live[transport].subscribe(
              { query, variables: variables as Variables },
              sink as Sink,
            ),
          }),
        }),
      }),
    ],
  })
}

const clients = {
  apollo: { ws: apollo('ws'), sse: apollo('sse') },
  urql: { ws: urql('ws'), sse: urql('sse') },
}
const noted = new Map<string, Note[]>()

const page: Page = {
  async query(client, text, variables = {}) {
    if (client === 'apollo') {
      const { data, error } = await clients.apollo.ws.query({ query: parsed(text), variables })
      return { data, error: error?.message }
    }
    const { data, error } = await clients.urql.ws.query(gql(text), variables).toPromise()
    return { data, error: error?.message }
  },
  async mutate(client, text, variables = {}) {
    if (client === 'apollo') {
      const { data, error } = await clients.apollo.ws.mutate({ mutation: parsed(text), variables })
      return { data, error: error?.message }
    }
    const { data, error } = await clients.urql.ws.mutation(gql(text), variables).toPromise()
    return { data, error: error?.message }
  },
  subscribe(client, transport, name, text) {
    const notes: Note[] = []
    noted.set(name, notes)
    const note = ({ data, error }: Result) => {
      const changes = data?.changes
      notes.push({ type: changes?.__typename, position: changes?.position, error })
    }
    const ended = (error: unknown) => notes.push({ error: `${error}` })
    if (client === 'apollo')
      clients.apollo[transport].subscribe({ query: parsed(text) as DocumentNode }).subscribe({
        next: ({ data, error }) => note({ data, error: error?.message }),
        error: ended,
        complete: () => ended('complete'),
      })
    else
      clients.urql[transport]
        .subscription(gql(text), {})
        .subscribe(({ data, error }) => note({ data, error: error?.message }))
  },
  notes: (name) => noted.get(name) ?? [],
}
Object.assign(globalThis, { pageOf: () => page })
