/**
 * Returns at most so many elements, spread evenly over a list, so that two runs look at the same
 * ones.
 */
export function spread<T>(list: readonly T[], max: number): T[] {
  const step = Math.max(1, list.length / max)
  const drawn: T[] = []
  for (let i = 0; i < list.length; i += step) drawn.push(list[Math.floor(i)]!)
  return drawn
}
