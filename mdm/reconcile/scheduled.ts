import { type Repeated, repeat } from '../../schema/kit/repeated.ts'
import { type CheckResult, type Reconciling, reconcile } from './reconcile.ts'
import { CHECK_NAMES } from './settings.ts'

const lookEveryMs = 5 * 60_000

/**
 * Runs each check when its last run is older than `everyHours`, until stopped. Several processes
 * may do so: one runs at a time.
 */
export function startReconciling(
  reconciling: Reconciling,
  onDone: (result: CheckResult) => void,
  onError: (error: unknown) => void,
): Repeated {
  const { sql, settings } = reconciling
  return repeat(
    lookEveryMs,
    async () => {
      const fresh = await sql<{ check: string }[]>`
        select distinct check_name as "check" from reconcile_run
        where at > now() - make_interval(hours => ${settings.everyHours})`
      const done = new Set(fresh.map((r) => r.check))
      const due = CHECK_NAMES.filter((check) => !done.has(check))
      // One that fails, for example by its time limit, must not keep the others from running.
      for (const check of due) await reconcile(reconciling, [check], onDone).catch(onError)
    },
    onError,
  )
}
