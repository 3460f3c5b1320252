import { textOf } from '../app/urlState.ts'
import type {
  SourceObjectFragment,
  SourceSystemRowFragment,
  SourcesListQuery,
  SourceTargetFragment,
} from './sources.generated.ts'

export type System = SourceSystemRowFragment
export type Pulled = SourceObjectFragment
export type Target = SourceTargetFragment

/** What the address says: the current row, the part on the right, and the state of its writes. */
export interface SourcesState extends Record<string, unknown> {
  /** A source system, or one of its objects: `chargebee` or `chargebee/customer`. */
  at: string | undefined
  part: 'runs' | 'writes' | undefined
  write: string | undefined
}

export function sourcesState(search: Record<string, unknown>): SourcesState {
  const { part } = search
  return {
    at: textOf(search.at),
    part: part === 'runs' || part === 'writes' ? part : undefined,
    write: textOf(search.write),
  }
}

/** A row of the list: a source system, or an object of the one above it. */
export interface Entry {
  key: string
  source: string
  /** Null for objects of a source system that is not configured any more. */
  system: System | null
  /** Null in the row of the source system. */
  object: Pulled | null
  /** All objects of the source system. */
  objects: readonly Pulled[]
  target: Target | null
}

/** Returns the rows of the list: each source system, followed by its objects. */
export function entriesOf(data: SourcesListQuery): Entry[] {
  const systems = new Map((data.sourceSystems?.nodes ?? []).map((s) => [s.name, s]))
  const pulled = Map.groupBy(data.connections?.nodes ?? [], (o) => o.source)
  const targets = new Map((data.writeTargets?.nodes ?? []).map((t) => [t.source, t]))
  const names = [...new Set([...systems.keys(), ...pulled.keys(), ...targets.keys()])].sort()
  return names.flatMap((source): Entry[] => {
    const objects = pulled.get(source) ?? []
    const whole = {
      source,
      system: systems.get(source) ?? null,
      objects,
      target: targets.get(source) ?? null,
    }
    return [
      { key: source, object: null, ...whole },
      ...objects.map((object) => ({ key: `${source}/${object.object}`, object, ...whole })),
    ]
  })
}

/** Returns the objects that an act on a row is about. */
export function objectsOf(entry: Entry): readonly Pulled[] {
  return entry.object ? [entry.object] : entry.objects
}

/** Returns whether a person has to do something about an object. */
export function needsPerson(o: Pulled): boolean {
  return o.state === 'FAILED' || (o.state === 'IDLE' && o.code !== null) || o.hintCode !== null
}

const GLYPHS: Record<Pulled['state'], string> = {
  IDLE: '●',
  RUNNING: '↻',
  PAUSED: '‖',
  FAILED: '✗',
  RESCAN: '⟳',
}
const WORDS: Record<Pulled['state'], string> = {
  IDLE: 'up to date',
  RUNNING: 'is being read',
  PAUSED: 'paused',
  FAILED: 'failed',
  RESCAN: 'read as a whole again',
}

export function stateText(o: Pulled): { glyph: string; words: string } {
  // One that was never read is up to date with nothing.
  if (o.state === 'IDLE' && o.successAt === null) return { glyph: '○', words: 'not read yet' }
  return { glyph: GLYPHS[o.state], words: WORDS[o.state] }
}

const INTAKES: Record<System['intake'][number], string> = {
  CONNECTION: 'is asked',
  FILES: 'sends files',
  DELIVERIES: 'sends messages',
}

/** Returns how the records of a source system come, in words. */
export function intakeText({ intake }: System): string {
  return intake.length === 0
    ? 'sends nothing: it has no connection, no files and no secret'
    : intake.map((i) => INTAKES[i]).join(', ')
}
