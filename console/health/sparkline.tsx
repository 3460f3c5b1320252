import css from './health.module.css'

const [width, height] = [120, 24]

/** Numbers of days as bars, today last. The label has them in words. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const most = Math.max(1, ...values)
  const step = width / Math.max(1, values.length)
  return (
    <svg
      className={css.spark}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-label={label}
    >
      <line x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
      {values.map((value, n) =>
        value === 0 ? null : (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a day is its place
            key={n}
            x={n * step + 0.5}
            width={Math.max(1, step - 1)}
            y={height - Math.max(2, (value / most) * (height - 1))}
            height={Math.max(2, (value / most) * (height - 1))}
          />
        ),
      )}
    </svg>
  )
}
