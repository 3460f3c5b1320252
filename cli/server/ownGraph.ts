import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { calledSubgraphs } from '../../gateway/federation/own/calledSubgraphs.ts'
import { fetchSdl } from '../../gateway/federation/own/fetchSdl.ts'
import { JoinError } from '../../gateway/federation/own/joinError.ts'
import {
  type JoinedGraph,
  type Joining,
  joinGraph,
} from '../../gateway/federation/own/joinGraph.ts'
import type { OwnSubgraph } from '../../gateway/federation/own/ownSubgraph.ts'
import { describeError } from '../../gateway/http/describeError.ts'
import type { Check } from '../../gateway/http/health.ts'
import {
  type GraphVersion,
  lastServedSdl,
  publishedGraph,
  storeServedGraph,
} from '../../mdm/access/graphVersions.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'
import {
  type ConfiguredSubgraph,
  readOwnSubgraphs,
  readSchemaFile,
  schemaPlace,
} from '../config/ownSubgraphs.ts'

/** A subgraph with the schema that is to be served. */
export interface Candidate extends Joining {
  configured: ConfiguredSubgraph
  /** A person answers for a FILE. A SERVICE may change by itself; LAST was served before. */
  origin: 'FILE' | 'SERVICE' | 'LAST' | 'PUBLISHED'
}

/** Differences from the configuration, by subgraph: for the log and for health. */
export interface OwnNote {
  subgraph: string
  code: 'SUBGRAPH_STALE' | 'SUBGRAPH_MISSING' | 'SUBGRAPH_REFUSED' | 'SUBGRAPH_UNCONFIGURED'
  detail: string
  /** True if asking the service again may help. */
  isTemporary: boolean
}

export interface OwnGraph {
  /** Null if there are no own subgraphs. */
  supergraph: string | null
  own: readonly OwnSubgraph[]
  notes: readonly OwnNote[]
  /** The schemas as they are composed. */
  sdls: ReadonlyMap<string, string>
}

const NONE: OwnGraph = { supergraph: null, own: [], notes: [], sdls: new Map() }

type Join = (shipped: readonly Subgraph[], candidates: readonly Candidate[]) => Promise<JoinedGraph>

/** The last composition: a graph is read again more often than it changes. */
export interface Composed {
  shipped: readonly Subgraph[]
  /** The schemas and their settings, as text. */
  of: string
  /** The reason if it cannot be composed. */
  joined: JoinedGraph | JoinError
}

/**
 * Reads the own subgraphs and composes the graph with them. From the first publication on the
 * published schemas are served; before it those of the files and services. A service that cannot
 * be asked keeps the schema that was last served, and joins later if there is none. Throws
 * ConfigError with file and line for what only a person can correct.
 */
export async function readOwnGraph(at: {
  file: string
  /** A supergraph to serve as it is. */
  supergraphFile: string | undefined
  shipped: readonly Subgraph[]
  sql: Sql
  /** Why the graph is read. Under another policy the last graph must not be served any longer. */
  why: 'START' | 'POLICY' | 'CHANGE'
  /** The own subgraphs that are served and may be served on. */
  serving: ReadonlySet<string>
  last: { composed?: Composed }
  /** Composes; by default in this process. */
  join?: Join
}): Promise<OwnGraph> {
  const configured = readOwnSubgraphs(at.file)
  const published = await publishedGraph(at.sql)
  if (configured.length === 0 && !published?.sdls.size) return NONE
  const notes: OwnNote[] = []
  const candidates = published
    ? publishedCandidates(at.file, configured, known())
    : await currentCandidates(configured, at.sql, notes)
  if (candidates.length === 0) return { ...NONE, notes }
  const joined = await join(at, candidates, published !== null, notes)
  if (!joined) return { ...NONE, notes }
  const { supergraphFile } = at
  return supergraphFile === undefined
    ? joined
    : { ...joined, supergraph: asGiven(supergraphFile, candidates) }

  /** Returns the published graph without subgraphs that cannot be reached, and are not served. */
  function known(): GraphVersion {
    const { version = '', supergraph = '', sdls = new Map<string, string>() } = published ?? {}
    const isKnown = (name: string) =>
      at.serving.has(name) || configured.some((c) => c.name === name)
    const there = [...sdls].filter(([name]) => isKnown(name))
    for (const name of sdls.keys())
      if (!isKnown(name))
        notes.push({
          subgraph: name,
          code: 'SUBGRAPH_UNCONFIGURED',
          detail: `the published graph ${version} has it, and ${at.file} does not`,
          isTemporary: false,
        })
    return { version, supergraph, sdls: new Map(there) }
  }
}

/**
 * Stores what is served now, for a start at which the services do not respond. Returns false, and
 * logs the error, if the database does not take it.
 */
export async function rememberServed(sql: Sql, graph: OwnGraph, log: Logger): Promise<boolean> {
  const { supergraph, sdls } = graph
  if (supergraph === null || sdls.size === 0) return true
  try {
    await storeServedGraph(sql, { supergraph, sdls })
    return true
  } catch (err) {
    log.error({ err: describeError(err) }, 'the graph that is served could not be stored')
    return false
  }
}

const DETAILS: Record<OwnNote['code'], string> = {
  SUBGRAPH_STALE: 'served with the schema that was served last; see the log',
  SUBGRAPH_MISSING: 'left out until its service gives its schema; see the log',
  SUBGRAPH_REFUSED: 'its schema cannot join the graph; see the log',
  SUBGRAPH_UNCONFIGURED: 'published, but not in the configuration, so it is left out',
}

/** Returns the checks of health, without the reasons, which may name addresses. */
export function checksOf(notes: readonly OwnNote[]): Check[] {
  // The gateway serves everything else, so it stays ready.
  return notes.map(({ subgraph, code }) => ({
    name: `subgraph ${subgraph}`,
    ok: true,
    code,
    detail: DETAILS[code],
  }))
}

function candidate(
  configured: ConfiguredSubgraph,
  sdl: string,
  at: string,
  origin: Candidate['origin'],
): Candidate {
  const { name, mutations, overrides, configuredAt } = configured
  return { name, mutations, overrides, configuredAt, sdl, at, configured, origin }
}

/**
 * Returns the subgraphs of a stored graph as the file configures them. Throws ConfigError if either
 * has a subgraph that the other lacks.
 */
export function publishedCandidates(
  file: string,
  configured: readonly ConfiguredSubgraph[],
  { version, sdls }: GraphVersion,
): Candidate[] {
  for (const name of sdls.keys())
    if (!configured.some((c) => c.name === name))
      throw new ConfigError(
        `${file}: the published graph ${version} has the subgraph ${name}, which is not in the file: add it, or publish without it: "npx touchstone schema publish"`,
      )
  return configured.map((c) => {
    const sdl = sdls.get(c.name)
    if (sdl === undefined)
      throw new ConfigError(
        `${c.configuredAt}: the subgraph ${c.name} is never called: the published graph ${version} does not have it; "npx touchstone schema publish" adds it`,
      )
    return candidate(c, sdl, `${c.name} of the published graph ${version}`, 'PUBLISHED')
  })
}

/** Reads the schemas of files and services. Throws if one cannot be read. */
export async function freshCandidates(
  configured: readonly ConfiguredSubgraph[],
): Promise<Candidate[]> {
  return await Promise.all(configured.map(freshCandidate))
}

async function freshCandidate(c: ConfiguredSubgraph): Promise<Candidate> {
  return c.schemaFile === null
    ? candidate(c, await fetchSdl(c), schemaPlace(c), 'SERVICE')
    : candidate(c, readSchemaFile(c.schemaFile, c), schemaPlace(c), 'FILE')
}

async function currentCandidates(
  configured: readonly ConfiguredSubgraph[],
  sql: Sql,
  notes: OwnNote[],
): Promise<Candidate[]> {
  const found = await Promise.all(
    configured.map(async (c): Promise<Candidate | null> => {
      try {
        return await freshCandidate(c)
      } catch (e) {
        if (e instanceof ConfigError) throw e
        return await lastServed(c, sql, notes, e instanceof Error ? e.message : String(e))
      }
    }),
  )
  return found.filter((c) => c !== null)
}

async function lastServed(
  c: ConfiguredSubgraph,
  sql: Sql,
  notes: OwnNote[],
  why: string,
): Promise<Candidate | null> {
  const sdl = await lastServedSdl(sql, c.name)
  if (sdl === null) {
    const detail = `left out until its service gives its schema: ${why}`
    notes.push({ subgraph: c.name, code: 'SUBGRAPH_MISSING', detail, isTemporary: true })
    return null
  }
  const detail = `served with the schema that was served last: ${why}`
  notes.push({ subgraph: c.name, code: 'SUBGRAPH_STALE', detail, isTemporary: true })
  return candidate(c, sdl, `${c.name} as served last`, 'LAST')
}

async function join(
  at: {
    shipped: readonly Subgraph[]
    sql: Sql
    why: 'START' | 'POLICY' | 'CHANGE'
    serving: ReadonlySet<string>
    last: { composed?: Composed }
    join?: Join
  },
  candidates: readonly Candidate[],
  isPublished: boolean,
  notes: OwnNote[],
): Promise<OwnGraph | null> {
  try {
    const { supergraph, sdls } = await compose(at, candidates)
    return { supergraph, sdls, notes, own: candidates.map((c) => ownOf(c, sdls)) }
  } catch (e) {
    if (!(e instanceof JoinError)) throw e
    const refuse = (c: Candidate) =>
      notes.push({
        subgraph: c.name,
        code: 'SUBGRAPH_REFUSED',
        detail: e.message,
        isTemporary: c.origin === 'SERVICE',
      })
    if (at.why === 'POLICY' || (isPublished && at.serving.size === 0)) {
      // They joined before. Touchstone's own part of the graph has changed, and is served alone.
      candidates.forEach(refuse)
      return null
    }
    if (isPublished || candidates.every((c) => c.origin === 'FILE'))
      throw new ConfigError(e.message)
    const others: Candidate[] = []
    for (const c of candidates) {
      if (c.origin === 'FILE') others.push(c)
      else refuse(c)
      const last = c.origin === 'SERVICE' && (await lastServed(c.configured, at.sql, [], ''))
      if (last) others.push(last)
    }
    return others.length > 0 ? await join(at, others, false, notes) : null
  }
}

async function compose(
  {
    shipped,
    last,
    join = async (ours, own) => joinGraph(ours, own),
  }: { shipped: readonly Subgraph[]; last: { composed?: Composed }; join?: Join },
  candidates: readonly Candidate[],
): Promise<JoinedGraph> {
  const of = JSON.stringify(candidates.map(({ configured: _, ...joining }) => joining))
  if (last.composed?.shipped !== shipped || last.composed.of !== of)
    last.composed = { shipped, of, joined: await joinOrReason(join, shipped, candidates) }
  const { joined } = last.composed
  if (joined instanceof JoinError) throw joined
  return joined
}

async function joinOrReason(
  join: Join,
  shipped: readonly Subgraph[],
  candidates: readonly Candidate[],
): Promise<JoinedGraph | JoinError> {
  try {
    return await join(shipped, candidates)
  } catch (e) {
    if (e instanceof JoinError) return e
    throw e
  }
}

function ownOf({ configured, name, sdl }: Candidate, sdls: ReadonlyMap<string, string>) {
  const { url, headers, caller, bounds } = configured
  return { name, url, headers, caller, bounds, sdl: sdls.get(name) ?? sdl }
}

/** The operator composed the graph; it must call every configured subgraph. */
function asGiven(file: string, candidates: readonly Candidate[]): string {
  const supergraph = readFileSync(file, 'utf8')
  const called = calledSubgraphs(supergraph)
  for (const c of candidates)
    if (!called.has(c.name))
      throw new ConfigError(
        `${c.configuredAt}: the subgraph ${c.name} is never called: ${file} has no field of it`,
      )
  return supergraph
}
