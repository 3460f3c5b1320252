import type { Transaction } from '../db/database.ts'
import { valueAtRisk } from '../golden/read/valueAtRisk.ts'
import { loadGolden, loadMemberKeys } from '../golden/stored.ts'
import type { ResolutionContext } from '../resolution/context.ts'
import {
  type Finding,
  type PairFinding,
  pairOf,
  type SplitFinding,
} from '../resolution/findings.ts'
import { currencyRates, DEFAULT_RULES, type StewardshipRules } from './rules.ts'
import { syncPairTasks, syncSplitTasks } from './tasks.ts'

/** A resolution context whose findings become tasks. */
export interface TaskContext extends ResolutionContext {
  /** DEFAULT_RULES if absent. */
  rules?: StewardshipRules | undefined
}

/** Opens and closes tasks so that they agree with what resolution found in this transaction. */
export async function syncFindings(
  tx: Transaction,
  { rules = DEFAULT_RULES }: TaskContext,
  findings: readonly Finding[],
): Promise<void> {
  for (const finding of findings)
    if (finding.kind === 'SPLIT') await syncSplits(tx, rules, finding)
    else await syncPairs(tx, rules, finding)
}

/** A split that nobody decided is a task until a steward declares the parts apart or they merge. */
async function syncSplits(
  tx: Transaction,
  rules: StewardshipRules,
  { type, examinedIds, parts, activeIds, declaredApart }: SplitFinding,
): Promise<void> {
  const fresh = parts.map(({ goldenIds, reason }) => ({ subject: goldenIds, reason }))
  await syncSplitTasks(tx, rules, type, examinedIds, fresh, async (pairs) => {
    const active = new Set(activeIds)
    const outside = pairs.flat().filter((id) => !examinedIds.has(id))
    for (const g of (await loadGolden(tx, outside)).values())
      if (g.state === 'ACTIVE') active.add(g.id)
    return ([a = '', b = '']) => active.has(a) && active.has(b) && !declaredApart.has(pairOf(a, b))
  })
}

async function syncPairs(
  tx: Transaction,
  rules: StewardshipRules,
  { examinedIds, pairs, memberKeys }: PairFinding,
): Promise<void> {
  await syncPairTasks(tx, rules, examinedIds, pairs, async (ids) => {
    const outside = await loadMemberKeys(
      tx,
      ids.filter((id) => !memberKeys.has(id)),
    )
    const keysOf = (id: string) => memberKeys.get(id) ?? outside.get(id) ?? []
    return valueAtRisk(tx, new Map(ids.map((id) => [id, keysOf(id)])), currencyRates(rules))
  })
}
