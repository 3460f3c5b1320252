import { setTimeout as sleep } from 'node:timers/promises'

/** Whole processes start, recover and stop during the wait, perhaps on a busy machine. */
const waitMsMax = 60_000

/** Polls until the condition holds. Throws an error that quotes it after a minute. */
export async function eventually(is: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + waitMsMax; !(await is()); await sleep(20))
    if (Date.now() > end) throw new Error(`did not become true within a minute: ${is}`)
}
