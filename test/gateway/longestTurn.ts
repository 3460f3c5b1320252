const cpuMs = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** How often work is repeated at most: a collection of garbage may fall into a turn, but not each time. */
const attemptsMax = 3

/**
 * Does the work until its longest turn takes less than a share of it, a few times at most. Returns
 * the last times.
 */
export async function longestTurnBelow(share: number, work: () => Promise<unknown>) {
  for (let attempt = 1; ; attempt++) {
    const times = await longestTurn(work)
    if (times.longest < times.all * share || attempt === attemptsMax) return times
  }
}

/**
 * Returns the time that this thread worked in all, and the longest without a turn of the event
 * loop. It is time of the processor: others on the machine do not count.
 */
export async function longestTurn(
  work: () => Promise<unknown>,
): Promise<{ all: number; longest: number }> {
  const began = cpuMs()
  let [last, longest] = [began, 0]
  const look = () => {
    const now = cpuMs()
    longest = Math.max(longest, now - last)
    last = now
    timer = setTimeout(look)
  }
  let timer = setTimeout(look)
  await work()
  clearTimeout(timer)
  return { all: cpuMs() - began, longest: Math.max(longest, cpuMs() - last) }
}
