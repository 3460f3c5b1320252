/** Returns a whole number with separators between thousands, as 12,345. */
export function count(n: number): string {
  return n.toLocaleString('en')
}

/** Returns the form of a noun that fits a number; `many` is for irregular nouns and for phrases. */
export function noun(n: number, one: string, many = `${one}s`): string {
  return n === 1 ? one : many
}

/** Returns a number and its noun: "1 record", "2 records". */
export function counted(n: number, one: string, many?: string): string {
  return `${count(n)} ${noun(n, one, many)}`
}

/** Returns a share as a percentage: "12.5 %". */
export function percent(share: number, digits = 1): string {
  return `${fixed(100 * share, digits)} %`
}

/** Returns a number with that many decimals. What rounds to zero has no sign. */
export function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/^-(?=[0.]+$)/, '')
}
