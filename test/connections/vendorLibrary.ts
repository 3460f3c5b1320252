import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Connection, Json, PulledRow } from '../../connectors/connection/contract.ts'
import type { ObjectDefinition } from '../../connectors/connection/definition/object.ts'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import { readSources } from '../../connectors/sources.ts'
import { type Received, type Reply, serve } from '../connectors/connection/server.ts'

/** A kind that asks a server which records its requests. */
export interface RecordedKind {
  connection: Connection
  url: string
  port: number
  objectOf(name: string): ObjectDefinition
  /** Returns the requests that change something, by whomever they were sent, since the last call. */
  sent(): Received[]
  /** Returns the requests that read, since the last call of either method. */
  asked(): Received[]
  close(): void
}

/** Opens a kind against a server that returns these replies. `{url}` stands for its address. */
export async function openRecorded(
  kind: string,
  settings: Record<string, unknown>,
  env: Record<string, string>,
  reply: (request: Received) => Reply,
): Promise<RecordedKind> {
  const server = await serve(reply)
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-vendor-'))
  const path = join(dir, 'sources.yaml')
  const connection = JSON.parse(
    JSON.stringify({ ...settings, privateAddresses: true }).replaceAll('{url}', server.url),
  )
  writeFileSync(
    path,
    stringify({ sources: [{ name: kind, kind, role: 'BILLING', trust: 0.5, connection }] }),
  )
  const [source] = readSources(path, env)
  rmSync(dir, { recursive: true })
  assert.ok(source?.connection)
  const { definition } = source.connection
  return {
    connection: openConnection(kind, source.connection, { env, retry: { attemptsMax: 1 } }),
    url: server.url,
    port: Number(new URL(server.url).port),
    objectOf(name) {
      const object = definition.objects.get(name)
      assert.ok(object, `the definition of ${kind} has ${name}`)
      return object
    },
    sent: () => server.received.splice(0).filter(({ method }) => method !== 'GET'),
    asked: () => server.received.splice(0).filter(({ method }) => method === 'GET'),
    close: server.close,
  }
}

/** Writes values as a change of this record, or as a new one where there is none. */
export async function writeValues(
  connection: Connection,
  object: string,
  values: Record<string, Json>,
  record: Record<string, unknown> | null,
): Promise<void> {
  const expected: PulledRow | null = record && {
    ...{ object, id: String(record.id), version: null, deleted: false, record },
  }
  await connection.writing.write(
    { object, id: expected?.id ?? null, values, goldenId: 'gr-1', key: 'intent-1', expected },
    new AbortController().signal,
  )
}

/** Returns what a request says, independent of the order of its form and of its escapes. */
export function formOf({ method, path, query, body }: Received) {
  const pairs = [...new URLSearchParams(body), ...query].sort(([a], [b]) => (a < b ? -1 : 1))
  return { method, path, pairs }
}
