import { setTimeout as sleep } from 'node:timers/promises'

/** Whole processes start, recover and stop meanwhile, on a machine that may be busy. */
const waitMsMax = 60_000

/** Waits until something of a running installation is so; fails after a minute, naming it. */
export async function eventually(is: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + waitMsMax; !(await is()); await sleep(20))
    if (Date.now() > end) throw new Error(`did not come to be: ${is}`)
}
