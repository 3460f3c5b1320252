import { type AnyVariables, Client, fetchExchange } from '@urql/core'
import { accepted, headersOfCaller, rejected } from '../session/session.ts'
import { type Failure, failureOf } from './failure.ts'
import type { Operation } from './operation.ts'

export const GRAPH_PATH = '/graphql'

export interface Outcome<T> {
  data: T | null
  /** Null if everything that was requested is there. */
  failure: Failure | null
}

/** Sends a request with the caller's credentials, and notes whether they were accepted. */
const send: typeof fetch = async (to, init) => {
  const headers = new Headers(init?.headers)
  for (const [name, value] of Object.entries(await headersOfCaller())) headers.set(name, value)
  const response = await fetch(to, { ...init, headers })
  if (response.status === 401) {
    const body = (await response
      .clone()
      .json()
      .catch(() => null)) as {
      errors?: { message: string }[]
    } | null
    rejected(body?.errors?.[0]?.message ?? 'The server does not know the caller')
  } else if (response.ok) accepted()
  return response
}

/**
 * No cache: what a steward decides on must be what is stored now. Screens that load ahead hold their
 * results themselves (decide/ahead.ts).
 */
const client = new Client({
  url: GRAPH_PATH,
  fetch: send,
  preferGetMethod: false,
  requestPolicy: 'network-only',
  exchanges: [fetchExchange],
})

/** Runs a query. It never throws: the failure says what happened. */
export async function query<T, V extends AnyVariables>(
  operation: Operation<T, V>,
  variables: V,
): Promise<Outcome<T>> {
  return outcomeOf(await client.query(operation, variables).toPromise())
}

/** Runs a mutation. If its outcome is unknown (AWAY), repeat it with the same idempotency key. */
export async function mutate<T, V extends AnyVariables>(
  operation: Operation<T, V>,
  variables: V,
): Promise<Outcome<T>> {
  return outcomeOf(await client.mutation(operation, variables).toPromise())
}

function outcomeOf<T>({
  data,
  error,
}: {
  data?: T | undefined
  error?: Parameters<typeof failureOf>[0] | undefined
}): Outcome<T> {
  const hasData = data !== null && data !== undefined && Object.values(data).some((v) => v !== null)
  return { data: data ?? null, failure: error ? failureOf(error, hasData) : null }
}
