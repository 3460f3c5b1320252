import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { AuditKeyError } from '../../mdm/audit/auditKeys.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { transaction } from '../../mdm/db/transaction.ts'
import { withExclusiveLock } from '../../mdm/db/withExclusiveLock.ts'
import {
  type ActivePublication,
  activePublication,
  policyChecked,
  refusedPublication,
  refusePublication,
  type StoredPolicy,
} from '../../mdm/policy/policies.ts'
import { isLaterProgram, programVersion } from '../config/programVersion.ts'
import { checkPolicy, GraphUncheckedError } from './graphJobs.ts'

const CHECK_LOCK = 'touchstone policy check'
/** How long to wait for another process that checks. */
const waitMs = 200

/** Thrown if a later version of the program has published the policy. */
export class LaterPolicyError extends Error {
  override name = 'LaterPolicyError'
}

/** A policy that is refused, or that could not be checked. */
export interface PolicyProblem {
  version: string
  problem: string
  /** UNCHECKED: nothing is known about it, and nothing was stored. */
  code: 'REFUSED' | 'UNCHECKED'
}

/**
 * Returns the policy that every process uses: the latest published one that this program can serve.
 * One that no version like this has checked is checked first. If it cannot be served, its
 * publication is refused, for all processes, and the one before it is active again. A process
 * without the keys of the audit log cannot refuse it, and takes the one before it all the same.
 *
 * A check that was killed or took too long decides nothing. The policy is used all the same if a
 * program has checked it before. Else this process takes the last one that one has checked, and
 * throws GraphUncheckedError if there is none.
 *
 * Throws LaterPolicyError if a later version of the program could serve it: this process must not
 * decide for the others.
 */
export async function servablePolicy(
  sql: Sql,
  onProblem: (problem: PolicyProblem) => void = () => {},
  check: (stored: StoredPolicy) => Promise<void> = checkAlone,
): Promise<StoredPolicy | null> {
  let unchecked: GraphUncheckedError | null = null
  for (let before: number | null = null; ; ) {
    const active: ActivePublication | null = await activePublication(sql, before)
    if (unchecked) {
      // The shipped policy is none that was published: it would change every golden record.
      if (!active) throw unchecked
      if (active.checkedBy.length > 0) return active
      before = active.id
      continue
    }
    if (!active || active.checkedBy.includes(programVersion())) return active
    const settled = await withExclusiveLock(sql, CHECK_LOCK, async () => {
      const now = await activePublication(sql, before)
      // Another process was faster.
      if (now?.id !== active.id || now.checkedBy.includes(programVersion())) return 'RECORDED'
      const { version } = active
      const problem = await problemOf(active, check)
      if (problem instanceof GraphUncheckedError) {
        onProblem({ version, problem: problem.message, code: 'UNCHECKED' })
        return problem
      }
      if (problem === null) await policyChecked(sql, version, programVersion())
      else {
        onProblem({ version, problem, code: 'REFUSED' })
        return await refuse(sql, active, problem)
      }
      return 'RECORDED'
    })
    if (settled === null) await sleep(waitMs)
    if (settled === 'NOT_RECORDED') before = active.id
    if (settled instanceof GraphUncheckedError) unchecked = settled
  }
}

async function problemOf(
  { version, model, parameters, checkedBy }: ActivePublication,
  check: (stored: StoredPolicy) => Promise<void>,
): Promise<string | GraphUncheckedError | null> {
  try {
    await check({ version, model, parameters })
    return null
  } catch (e) {
    if (e instanceof GraphUncheckedError) return e
    if (!(e instanceof Error) || !MISTAKES.has(e.name)) throw e
    const later = checkedBy.find((program) => isLaterProgram(program, programVersion()))
    if (later !== undefined)
      throw new LaterPolicyError(
        `policy ${version} was checked by a later version of Touchstone (${later}), and this one cannot serve it: ${e.message}`,
      )
    return e.message
  }
}

async function refuse(
  sql: Sql,
  active: ActivePublication,
  problem: string,
): Promise<'RECORDED' | 'NOT_RECORDED'> {
  try {
    await transaction(sql, (tx) => refusePublication(tx, active, problem, programVersion()))
    return 'RECORDED'
  } catch (e) {
    if (e instanceof AuditKeyError) return 'NOT_RECORDED'
    throw e
  }
}

const MISTAKES = new Set(['PolicyError', 'ModelError'])

/**
 * Own subgraphs, the contract and the names of source systems are not part of it: they belong to
 * one process, and a wrong one must not take the policy from all others.
 */
async function checkAlone(stored: StoredPolicy): Promise<void> {
  await checkPolicy({ stored, systems: null, own: [], hide: [] })
}

/**
 * Returns a reader of the policy that every process uses. It logs each problem once. A policy that
 * could not be checked is checked again by the next start: the check may have taken all memory.
 */
export function openServablePolicy(
  sql: Sql,
  log: Pick<Logger, 'error'>,
): () => Promise<StoredPolicy | null> {
  const logged = new Set<string>()
  const unchecked = new Map<string, GraphUncheckedError>()
  const checkOnce = async (stored: StoredPolicy) => {
    const known = unchecked.get(stored.version)
    if (known) throw known
    await checkAlone(stored).catch((e: unknown) => {
      if (e instanceof GraphUncheckedError) unchecked.set(stored.version, e)
      throw e
    })
  }
  return async () => {
    const found: PolicyProblem[] = []
    const active = await servablePolicy(sql, (problem) => found.push(problem), checkOnce)
    const stored = await refusedPublication(sql)
    if (stored) found.push({ ...stored, code: 'REFUSED' })
    for (const { version, problem, code } of found) {
      if (logged.has(version)) continue
      logged.add(version)
      const used = active?.version ?? 'shipped'
      if (code === 'REFUSED')
        log.error(
          { refused: version, problem, active: used },
          'the newest policy cannot be served: the one before it is active; records stay as they are until they change or a policy is published',
        )
      else
        log.error(
          { unchecked: version, problem, used },
          used === version
            ? 'the active policy could not be checked; it was served before, so it is used: the next start checks it'
            : 'the active policy could not be checked: this process uses the last one that was served; the next start checks it',
        )
    }
    if (found.length === 0) logged.clear()
    return active
  }
}
