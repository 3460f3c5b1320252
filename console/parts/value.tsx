import fastDiff from 'fast-diff'
import css from './value.module.css'
import { valueText } from './valueText.ts'

/** Differences of longer texts would be noise, and slow. */
const charsMax = 400

/** A value. With `against`, the characters that the other value does not have are marked. */
export function Value({ value, against }: { value: unknown; against?: unknown }) {
  const text = valueText(value)
  if (text === null)
    return (
      <span className={css.none}>
        <span aria-hidden="true">–</span>
        <span className="visually-hidden">no value</span>
      </span>
    )
  const other = against === undefined ? null : valueText(against)
  if (other === null || other === text) return <span className={css.value}>{text}</span>
  return <span className={css.value}>{marked(text, other)}</span>
}

function marked(text: string, other: string) {
  if (text.length > charsMax || other.length > charsMax) return <mark>{text}</mark>
  const parts = fastDiff(other, text).filter(([kind]) => kind !== fastDiff.DELETE)
  const same = parts.reduce((n, [kind, part]) => n + (kind === fastDiff.EQUAL ? part.length : 0), 0)
  // Of two texts that share little the marks would be a pattern without meaning.
  if (same * 2 < Math.max(text.length, other.length)) return <mark>{text}</mark>
  let at = 0
  return parts.map(([kind, part]) => {
    const key = at
    at += part.length
    return kind === fastDiff.EQUAL ? <span key={key}>{part}</span> : <mark key={key}>{part}</mark>
  })
}
