import type { Transaction } from '../db/database.ts'
import { equivalenceClasses } from '../match/sameChains.ts'
import { loadByKey } from '../records/records.ts'
import { lockClosure } from '../resolution/closure.ts'
import type { ResolutionContext } from '../resolution/context.ts'
import { type ActionRow, inTheWay, latestAboutAny, latestMaker, setState } from './actions.ts'
import { restand, standingPairs } from './assertions.ts'
import { refuse } from './outcome.ts'
import type { StandingPair } from './partition.ts'
import type { Plan } from './plan.ts'

/** Kinds of action that move source records between golden records. */
const MOVES = new Set(['MERGE', 'UNMERGE', 'SPLIT', 'ATTACH', 'BULK'])

/**
 * Plans the undo of an action: its assertions no longer stand, and those it withdrew stand again
 * unless another action also withdrew them. This is sound in any order if no later done action
 * depends on this one or concerns the same pairs, and the remaining assertions do not contradict
 * each other. Otherwise the rejection names the latest action in the way.
 */
export async function planUndo(
  tx: Transaction,
  mastering: ResolutionContext,
  action: ActionRow,
): Promise<Plan[]> {
  if (action.kind === 'UNDO')
    refuse('UNDO_OF_AN_UNDO', 'an undo cannot be undone: do the action itself again')
  if (action.kind === 'EXPIRE')
    refuse('NOT_UNDOABLE', 'the time of that value is over: state it again')
  if (action.kind === 'PUBLISH')
    refuse('NOT_UNDOABLE', 'the way back is to publish the version before')
  if (action.state === 'UNDONE') refuse('ALREADY_UNDONE', `action ${action.id} is undone already`)
  if (action.state !== 'DONE' || action.number === null)
    return refuse(
      'NOT_UNDOABLE',
      `action ${action.id} was never done: its state is ${action.state}`,
    )
  const keys = action.before.flatMap(([, k]) => k)
  const records = await loadByKey(tx, keys)
  const seeds = records.map((r) => r.id)
  const reach = await lockClosure(tx, seeds, { removed: [], added: [] })
  const blocked = (await inTheWay(tx, action)) ?? (await retiredElsewhere(tx, action))
  if (blocked) stands(blocked)

  await setState(tx, action.id, 'UNDONE')
  await restand(tx, action.id)
  const reached = await tx<{ key: string }[]>`
    select key from source_record where id = any(${[...reach.placed.keys()]}::bigint[])`
  const pairs = await standingPairs(
    tx,
    reached.map((r) => r.key),
  )
  const contradicting = contradictions(
    pairs,
    MOVES.has(action.kind) ? action.before.map(([, k]) => k) : [],
  )
  if (contradicting.length > 0)
    stands((await latestMaker(tx, contradicting, action.number)) ?? action.id)

  // A bulk action may concern several golden types.
  return [...Map.groupBy(records, (r) => r.type)].map(([type, own]): Plan => {
    const mine = new Set(own.map((r) => r.key))
    const before = action.before.filter(([, k]) => k.some((key) => mine.has(key)))
    return {
      type: mastering.policy.type(type),
      seeds: own.map((r) => r.id),
      subjects: [action.id, ...action.subjects],
      before,
      statements: { append: [], withdraw: [] },
      groups: MOVES.has(action.kind) ? before.map(([, k]) => k) : null,
    }
  })
}

function stands(id: string): never {
  return refuse('LATER_ACTION_IN_THE_WAY', `a later action rests on it: undo ${id} first`, id)
}

/**
 * Returns the assertions that contradict each other: NOT_SAME within a class of SAME records, and
 * all SAME of a class that joins records of different groups.
 */
function contradictions(
  pairs: readonly StandingPair[],
  groups: readonly (readonly string[])[],
): number[] {
  const same = pairs.filter((p) => p.kind === 'SAME')
  const classOf = new Map(
    equivalenceClasses(same).flatMap((keys, i) => keys.map((key) => [key, i] as const)),
  )
  const broken = new Set<number>()
  for (const p of pairs) {
    const at = classOf.get(p.a)
    if (p.kind === 'NOT_SAME' && at !== undefined && at === classOf.get(p.b)) broken.add(at)
  }
  const groupOf = new Map<number, number>()
  for (const [g, keys] of groups.entries())
    for (const key of keys) {
      const at = classOf.get(key)
      if (at === undefined) continue
      if ((groupOf.get(at) ?? g) !== g) broken.add(at)
      groupOf.set(at, g)
    }
  return pairs
    .filter((p) =>
      [classOf.get(p.a), classOf.get(p.b)].some((at) => at !== undefined && broken.has(at)),
    )
    .map((p) => p.assertionId)
}

/**
 * Returns the action that retired the golden id elsewhere. Once that id was merged into another
 * golden record, restoring it would have no effect.
 */
async function retiredElsewhere(tx: Transaction, action: ActionRow): Promise<string | null> {
  if (action.kind !== 'RETIRE' && action.kind !== 'RESTORE') return null
  const [golden] = await tx<
    { state: string }[]
  >`select state from golden where id = ${action.before[0]?.[0] ?? null}`
  return golden?.state === 'MERGED'
    ? await latestAboutAny(tx, [action.before[0]?.[0] ?? ''], action.number ?? 0)
    : null
}
