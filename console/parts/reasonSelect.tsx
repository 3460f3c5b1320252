import css from './reasonSelect.module.css'

/** A choice of preset reasons. A key of the screen takes the next one. */
export function ReasonSelect({
  label,
  list,
  at,
  onAt,
}: {
  label: string
  list: readonly string[]
  at: number
  onAt: (n: number) => void
}) {
  return (
    <select
      className={css.reason}
      aria-label={label}
      value={at}
      onChange={(e) => onAt(Number(e.target.value))}
    >
      {list.map((text, n) => (
        <option key={text} value={n}>
          {text}
        </option>
      ))}
    </select>
  )
}
