import type { Findings } from './findings.ts'
import type { Product } from './product.ts'
import type { System } from './records.ts'
import type { Source } from './tokens.ts'

/** One attack on a running product; `accepted` counts the messages that it has acknowledged. */
export interface Attack {
  product: Product
  source: Source
  findings: Findings
  accepted: { count: number }
  log(line: string): void
}

export const pauseMsMax = 1_000

/** Runs the part of an attack, and reports a pause of the process in it. */
export async function phase(at: Attack, name: string, work: () => Promise<string>): Promise<void> {
  await at.product.longestPause()
  const began = performance.now()
  const what = await work()
  const { ms } = await at.product.longestPause()
  const seconds = ((performance.now() - began) / 1_000).toFixed(1)
  at.log(`${name}: ${what}, ${seconds} s, longest pause ${ms} ms`)
}

export const atOnce = 16

export const SYSTEMS: readonly System[] = ['salesforce', 'stripe', 'netsuite', 'webshop', 'hooks']

export function* numbers(count: number): Generator<number> {
  for (let n = 0; n < count; n++) yield n
}

export function countUp(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

export function counts(of: ReadonlyMap<unknown, number>): string {
  return [...of]
    .sort((a, b) => b[1] - a[1])
    .map(([name, n]) => `${name} ${n}`)
    .join(', ')
}
