import css from './badge.module.css'

const tints = 8

/** The badge of a source system: two letters and a tint, the same wherever a value comes from it. */
export function Badge({ system, label = false }: { system: string; label?: boolean }) {
  return (
    <span className={css.whole} title={label ? undefined : system}>
      <span className={css.badge} data-tint={tintOf(system)} aria-hidden="true">
        {lettersOf(system)}
      </span>
      <span className={label ? undefined : 'visually-hidden'}>{system}</span>
    </span>
  )
}

/** Two letters: of two words their first ones, else the first two consonants or letters. */
export function lettersOf(system: string): string {
  const words = system.split(/[^\p{L}\p{N}]+/u).filter((w) => w !== '')
  if (words.length > 1) return `${words[0]?.[0]}${words[1]?.[0]}`.toUpperCase()
  const [first = '?', ...rest] = words[0] ?? ''
  const second = rest.find((c) => !'aeiou'.includes(c.toLowerCase())) ?? rest[0] ?? ''
  return `${first}${second}`.toUpperCase()
}

function tintOf(system: string): number {
  let hash = 0
  for (const c of system) hash = (hash * 31 + (c.codePointAt(0) ?? 0)) >>> 0
  return hash % tints
}
