const cpuMs = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
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
