import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { RequestCounts } from '../../connectors/connection/contract.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { readSources } from '../../connectors/sources.ts'
import { BacklogGate } from '../../mdm/connections/backlog.ts'
import { addObjects, claimObject } from '../../mdm/connections/lease.ts'
import type { RunResult } from '../../mdm/connections/runObject.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { runFiles } from '../../mdm/files/runFiles.ts'
import type { Pipeline } from '../../mdm/ingest/pipeline.ts'
import { directPipeline, drain, policy } from '../fixtures/store.ts'

const MAPPING = `
every: { id: id, deleted: gone }
objects:
  customers: { as: Customer, fields: { name: name } }
kept:
  notes:
`

/** A source system whose files are read, with the store that has them. */
export interface FileWorld {
  dir: string
  /** The folder for files, where the place is one of this machine. */
  inbox: string
  path: string
  counts: RequestCounts
  pipeline: Pipeline
  /** Reads the files of an object once. */
  run(object?: string): Promise<RunResult>
  /** The files in the order of their arrival: name, state, rows, code. */
  deliveries(): Promise<
    { name: string; state: string; rows: number; code: string | null; detail: string | null }[]
  >
  /** The live records of the store: id -> name. */
  stored(object?: string): Promise<Record<string, unknown>>
  messages(): Promise<number>
  exceptions(): Promise<{ code: string; object: string | null; outcome: string; detail: string }[]>
  close(): void
}

export function openFileWorld(
  sql: Sql,
  given: Record<string, unknown>,
  env: Readonly<Record<string, string>> = {},
): FileWorld {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-file-world-'))
  const inbox = join(dir, 'in')
  mkdirSync(inbox)
  writeFileSync(join(dir, 'mapping.yaml'), MAPPING)
  const path = join(dir, 'sources.yaml')
  const place = given.sftp || given.s3 ? {} : { folder: 'in' }
  const files = { ...place, stable: '0ms', objects: { customers: 'customers_*.csv' }, ...given }
  const source = {
    name: 'shop',
    kind: 'generic',
    role: 'ERP',
    trust: 0.5,
    mapping: 'mapping.yaml',
    files,
  }
  writeFileSync(path, stringify({ sources: [source] }))
  const configured = readSources(path, env)[0]?.files
  const reader = openConnectors(path, policy, env).get('shop')
  assert.ok(configured && reader)
  const direct = directPipeline(sql)
  const pipeline: Pipeline = {
    ...direct,
    connectors: new Map([['shop', reader]]),
    systems: new Map([['shop', reader.system]]),
  }
  const counts = { requests: 0, retries: 0, waits: 0, bytes: 0 }
  const holder = randomUUID()
  return {
    ...{ dir, inbox, path, counts, pipeline },
    async run(object = 'customers') {
      await addObjects(sql, 'shop', [object])
      const claimed = await claimObject(sql, holder, { source: 'shop', object }, true)
      assert.ok(claimed, `${object} can be claimed`)
      const shared = { sql, backlog: new BacklogGate(sql, 1_000_000) }
      return await runFiles(
        { files: configured, reader, counts },
        shared,
        claimed,
        new AbortController().signal,
      )
    },
    deliveries: async () => [
      ...(await sql<
        { name: string; state: string; rows: number; code: string | null; detail: string | null }[]
      >`
        select name, state, rows, code, detail from file_delivery order by id`),
    ],
    async stored(object = 'customers') {
      await drain(pipeline)
      const rows = await sql<{ id: string; name: string }[]>`
        select source_id as id, raw->>'name' as name from source_record
        where object = ${object} and not deleted order by source_id`
      return Object.fromEntries(rows.map((r) => [r.id, r.name]))
    },
    async messages() {
      const [row] = await sql<{ n: number }[]>`select count(*)::int as n from inbox`
      return row?.n ?? 0
    },
    async exceptions() {
      await drain(pipeline)
      return [
        ...(await sql<{ code: string; object: string | null; outcome: string; detail: string }[]>`
          select code, object, outcome, detail from outcome where outcome <> 'SKIPPED' order by inbox_id`),
      ]
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** A CSV file of customers: id -> name. */
export function csv(rows: Readonly<Record<string, string>>): string {
  return `id,name\n${Object.entries(rows)
    .map(([id, name]) => `${id},${name}\n`)
    .join('')}`
}
