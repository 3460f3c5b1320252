import { setTimeout as sleep } from 'node:timers/promises'

const waitMsMax = 30_000

/** Waits until the condition holds. Throws after thirty seconds, with the text of the condition. */
export async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + waitMsMax; !(await is()); await sleep(5))
    if (Date.now() > end) throw new Error(`timed out waiting for: ${is}`)
}
