import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { stringify } from 'yaml'
import type { Connection } from '../../connectors/connection/contract.ts'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import type { Connector } from '../../connectors/contract.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { readSources } from '../../connectors/sources.ts'
import type { Model, ModelSystem } from '../../demo/systems/kit/model.ts'
import { BacklogGate } from '../../mdm/connections/backlog.ts'
import { addObjects, claimObject, listDue } from '../../mdm/connections/lease.ts'
import { type RunResult, runObject } from '../../mdm/connections/runObject.ts'
import type { Sql } from '../../mdm/db/database.ts'
import type { Pipeline } from '../../mdm/ingest/pipeline.ts'
import type { Role } from '../../schema/policy.ts'
import { directPipeline, drain, policy } from '../fixtures/store.ts'

/** A kind beside the model of its vendor: how what each calls a thing is called by the other. */
export interface KindCase {
  model: Model
  role: Role
  /** `connection:` of the source system, from what the vendor gives to a client. */
  connection(system: ModelSystem): Record<string, unknown>
  /** Whether a record that the vendor still lists stands for nothing any more. */
  isGone?(record: Record<string, unknown>): boolean
  /** The definition and the mapping of a system whose kind has no folder. */
  files?: { definition: string; mapping: string }
  /** `write:` of the source system. */
  write?: Record<string, unknown>
  /** The secret of its webhooks. */
  webhookSecret?(system: ModelSystem): string | undefined
  /** Opens the model, where it needs the database. */
  open?(sql: Sql, seed: number): Promise<ModelSystem>
  /** Whether the vendor writes numbers as texts, as SuiteQL does. */
  writesTexts?: boolean
  /** Whether some of its answers write a time with another offset than others. */
  writesOffsets?: boolean
}

/** A source system of a kind whose vendor is a model, with everything that reads and stores it. */
export interface PulledSystem {
  system: ModelSystem
  /** config/sources.yaml with this source system alone. */
  sources: string
  /** The environment from which secrets are read; a change counts at the next sign-in. */
  env: Record<string, string>
  connection: Connection
  connector: Connector
  /** Reads the records that events named, and nothing else; applies the messages. */
  readNamed(): Promise<void>
  pipeline: Pipeline
  /** Reads each object once, and again while it fails and `triesMax` allows; applies the messages. */
  pull(triesMax?: number): Promise<Map<string, RunResult>>
  /** What the store has otherwise than the vendor, in words; empty where they are equal. */
  differences(): Promise<string[]>
  /** How records that are read by their ids differ from the stored rows of lists, in words. */
  rereadDifferences(): Promise<string[]>
  close(): Promise<void>
}

const hourMs = 3_600_000

/** How a connection to a model differs from the usual. */
export interface PulledOptions {
  seed?: number
  /** The objects that are read; all without it. */
  objects?: readonly string[]
  /** Further settings of `connection:`. */
  settings?: Record<string, unknown>
  /** How often a census is taken; with each run without it. */
  censusEveryMs?: number
  /** Moves the clock of the vendor before anything is read. */
  advance?(system: ModelSystem): void
  /** By how much our clock is ahead of the vendor's. */
  aheadMs?: number
  /** Stands between us and the model: given its URL, returns another one. */
  through?(url: string): Promise<string>
}

/** Opens a kind against its model. Secrets are given as environment variables. */
export async function openPulled(
  sql: Sql,
  kind: KindCase,
  {
    seed = 1,
    objects,
    settings,
    censusEveryMs = 0,
    advance,
    aheadMs = 0,
    through,
  }: PulledOptions = {},
): Promise<PulledSystem> {
  const system = kind.open
    ? await kind.open(sql, seed)
    : await kind.model.open({ seed, limits: 'none' })
  advance?.(system)
  const url = through ? await through(system.url) : system.url
  const name = kind.model.kind
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-pulled-'))
  const path = join(dir, 'sources.yaml')
  const env: Record<string, string> = {}
  const credentials = Object.entries(system.credentials).map(([key, value]) => [
    key,
    value.replaceAll(system.url, url),
  ])
  const seen = { ...system, url, credentials: Object.fromEntries(credentials) }
  const given = Object.entries(kind.connection(seen)).map(([key, value]) => {
    if (!(value instanceof Secret)) return [key, value]
    const variable = `${name}_${key}`.toUpperCase()
    env[variable] = value.text
    return [key, { env: variable }]
  })
  const { files } = kind
  const connection = {
    ...Object.fromEntries(given),
    privateAddresses: true,
    ...settings,
    ...(objects ? { objects } : {}),
    ...(files ? { definition: resolve(files.definition) } : {}),
  }
  const webhookSecret = kind.webhookSecret?.(system)
  if (webhookSecret) env.WEBHOOK_SECRET = webhookSecret
  const entry = {
    ...{ name, kind: files ? 'generic' : name, role: kind.role, trust: 0.5, connection },
    ...(files ? { mapping: resolve(files.mapping) } : {}),
    ...(webhookSecret ? { secret: { env: 'WEBHOOK_SECRET' } } : {}),
    ...(kind.write ? { write: kind.write } : {}),
  }
  writeFileSync(path, stringify({ sources: [entry] }))
  const [source] = readSources(path, env)
  const connector = openConnectors(path, policy, env).get(name)
  assert.ok(source?.connection && connector)
  const asked = openConnection(name, source.connection, {
    env,
    now: () => system.clock.now() + aheadMs,
    retry: { msMin: 1, msMax: 20 },
  })
  const direct = directPipeline(sql)
  const pipeline: Pipeline = {
    ...direct,
    connectors: new Map([[name, connector]]),
    systems: new Map([[name, connector.system]]),
  }
  const tools = {
    ...{ sql, connection: asked, reader: connector, backlog: new BacklogGate(sql, 1_000_000) },
    ...{ everyMs: hourMs, censusEveryMs },
  }
  const holder = randomUUID()
  const run = async (object: string, triesMax = 8): Promise<RunResult> => {
    for (let tries = 1; ; tries++) {
      const claimed = await claimObject(sql, holder, { source: name, object }, true)
      assert.ok(claimed, `${object} can be claimed`)
      const result = await runObject(tools, claimed, new AbortController().signal)
      if (result.ended === 'DONE' || tries >= triesMax) return result
    }
  }
  const apply = async () => {
    // A model's clock may be days ahead, and a version that leads the time of receipt is refused.
    await sql`update inbox set received_at = ${new Date(system.clock.now())} where id in (select inbox_id from pending)`
    await drain(pipeline)
  }
  return {
    system,
    sources: path,
    env,
    connection: asked,
    connector,
    pipeline,
    pull: async (triesMax = 8) => {
      await addObjects(sql, name, asked.objects)
      const results = new Map<string, RunResult>()
      for (const object of asked.objects) results.set(object, await run(object, triesMax))
      await apply()
      return results
    },
    readNamed: async () => {
      for (const due of await listDue(sql, [name])) {
        const claimed = await claimObject(sql, holder, due)
        if (claimed) await runObject(tools, claimed, new AbortController().signal)
      }
      await apply()
    },
    differences: async () => {
      const found: string[] = []
      const failed = await sql<{ object: string; code: string; detail: string }[]>`
        select object, code, detail from sync_state where state = 'FAILED'`
      found.push(...failed.map((f) => `${f.object} failed: ${f.code}: ${f.detail}`))
      for (const object of asked.objects.filter((o) => system.objects.includes(o)))
        found.push(...(await compare(sql, kind, object, system.state(object))))
      return found
    },
    rereadDifferences: async () => {
      const found: string[] = []
      const { signal } = new AbortController()
      for (const object of asked.objects.filter((o) => asked.canRead(o))) {
        const rows = await sql<{ id: string; raw: Record<string, unknown> }[]>`
          select source_id as id, raw from source_record
          where source = ${name} and object = ${connector.objectName(object)} and not deleted order by id limit ${rereadMax}`
        const isKept = system.objects.includes(object)
        if (rows.length === 0 && isKept && system.state(object).size > 0)
          found.push(`no ${object} is stored`)
        const read = await asked.readSeveral(
          object,
          rows.map((r) => r.id),
          signal,
        )
        for (const [n, { id, ...one }] of read.entries())
          if ('problem' in one) found.push(`${object} ${id}: ${one.problem.message}`)
          else if (!one.row?.record) found.push(`${object} ${id} is not there`)
          else found.push(...namesOf(rows[n]?.raw, one.row.record).map((f) => `${object}: ${f}`))
      }
      return [...new Set(found)]
    },
    close: async () => {
      rmSync(dir, { recursive: true })
      await system.close()
    },
  }
}

/** Records of each object that are read again. */
const rereadMax = 5
/** Facts about an answer, not about its record. */
const ABOUT_ANSWERS = /^(@odata\.|__metadata|links|attributes)/

/** Compares a stored row with the record as it is read by its id. */
function namesOf(raw: Record<string, unknown> = {}, record: Record<string, unknown>): string[] {
  const names = new Set([...Object.keys(raw), ...Object.keys(record)])
  return [...names].flatMap((f) =>
    ABOUT_ANSWERS.test(f) || isDeepStrictEqual(raw[f], record[f])
      ? []
      : [`${f} is ${show(record[f])} read by its id, ${show(raw[f])} in the list`],
  )
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 120)
}

/** A value that a source system's configuration only refers to. */
export class Secret {
  readonly text: string
  constructor(text: string | undefined) {
    assert.ok(text, 'the model names the secret')
    this.text = text
  }
}

type Row = { record: Record<string, unknown>; deleted: boolean }

async function compare(
  sql: Sql,
  { model: { kind }, isGone = () => false, writesTexts = false, writesOffsets = false }: KindCase,
  object: string,
  truth: ReadonlyMap<string, Row>,
): Promise<string[]> {
  const rows = await sql<{ id: string; raw: Record<string, unknown>; deleted: boolean }[]>`
    select source_id as id, raw, deleted from source_record where source = ${kind} and object = ${object}`
  const stored = new Map(rows.map((r) => [r.id, r]))
  assert.equal(stored.size, rows.length, `${object}: each id once`)
  const found: string[] = []
  for (const [id, { record, ...row }] of truth) {
    const deleted = row.deleted || isGone(record)
    const held = stored.get(id)
    stored.delete(id)
    if (!held || held.deleted) {
      if (!deleted) found.push(`${object} ${id} is ${held ? 'deleted' : 'missing'} in the store`)
      continue
    }
    if (deleted) found.push(`${object} ${id} is deleted at the vendor, not in the store`)
    else if (Object.keys(held.raw).filter((f) => Object.hasOwn(record, f)).length < 3)
      found.push(`${object} ${id} has only ${Object.keys(held.raw).join(', ')}`)
    else {
      const written = writesTexts ? textsOf(record) : record
      const [is, should] = writesOffsets
        ? [timesOf(held.raw), timesOf(written)]
        : [held.raw, written]
      found.push(...differentFields(is, should).map((f) => `${object} ${id}: ${f}`))
    }
  }
  for (const id of stored.keys()) found.push(`${object} ${id} is unknown to the vendor`)
  return found
}

/**
 * Compares what was read with the vendor's record. A connection may select fields, ask for fields
 * that have no value, and add what further reads found.
 */
function differentFields(raw: Record<string, unknown>, record: Record<string, unknown>): string[] {
  const common = Object.keys(raw).filter((name) => Object.hasOwn(record, name))
  return common.flatMap((name) => {
    const [is, should] = [raw[name], record[name]]
    // A reference that was expanded.
    if (isMap(is) && is.id === should) return []
    if (isMap(is) && isMap(should))
      return differentFields(is, should).map((text) => `${name}.${text}`)
    return isDeepStrictEqual(is, should)
      ? []
      : [`${name} is ${JSON.stringify(is)}, not ${JSON.stringify(should)}`]
  })
}

/** Writes the times of a record, and of the maps in it, in UTC. */
function timesOf(record: Record<string, unknown>): Record<string, unknown> {
  const inUtc = (v: unknown): unknown =>
    isMap(v) ? timesOf(v) : isTime(v) ? new Date(v).toISOString() : v
  return Object.fromEntries(Object.entries(record).map(([name, v]) => [name, inUtc(v)]))
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+([+-]\d\d:?\d\d|Z)$/.test(value)
}

/** Writes the numbers of a record as texts. */
function textsOf(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, v]) => [name, typeof v === 'number' ? String(v) : v]),
  )
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
