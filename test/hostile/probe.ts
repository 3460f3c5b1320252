import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * Asks a process all the time whether it lives, from a thread of its own, so that the work of the
 * attacker is not taken for a pause of the attacked one.
 */
const everyMs = 50
let longest = { ms: 0, at: 0 }
let pending: number | null = null

parentPort?.on('message', () => {
  const now = Date.now()
  if (pending !== null && now - pending > longest.ms) longest = { ms: now - pending, at: pending }
  parentPort?.postMessage(longest)
  longest = { ms: 0, at: 0 }
})

for (;;) {
  const began = Date.now()
  pending = began
  try {
    const answer = await fetch(`${workerData}/health/live`)
    await answer.arrayBuffer()
  } catch {
    // A process that is gone shows in the other checks.
  }
  const ms = Date.now() - began
  pending = null
  if (ms > longest.ms) longest = { ms, at: began }
  await sleep(everyMs)
}
