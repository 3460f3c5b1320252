import { setTimeout as sleep } from 'node:timers/promises'

const waitMsMax = 10_000

/** Waits until something is so; fails after ten seconds, naming what was waited for. */
export async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + waitMsMax; !(await is()); await sleep(5))
    if (Date.now() > end) throw new Error(`did not come to be: ${is}`)
}
