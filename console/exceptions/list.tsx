import { useEffect, useRef } from 'react'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords } from '../parts/valueText.ts'
import type { ExceptionRowFragment } from './exceptions.generated.ts'
import css from './exceptions.module.css'

interface ListProps {
  rows: readonly ExceptionRowFragment[]
  at: number
  selected: ReadonlySet<string>
  hasMore: boolean
  loading: boolean
  onMove: (to: number) => void
  onSelect: (id: string) => void
  onMore: () => void
}

/** The exceptions, the oldest first. */
export function ExceptionList(props: ListProps) {
  const { rows, at, selected, hasMore, loading, onMove, onSelect, onMore } = props
  const current = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another row may be the current one
  useEffect(() => {
    // Braces: some browsers return a promise here, which React would take for a function.
    current.current?.scrollIntoView({ block: 'nearest' })
  }, [at])
  return (
    <>
      <div role="grid" aria-label="Exceptions" aria-multiselectable="true" className={css.list}>
        {rows.map((row, n) => (
          <div
            key={row.id}
            ref={n === at ? current : undefined}
            role="row"
            tabIndex={-1}
            aria-selected={selected.has(row.id)}
            data-current={n === at || undefined}
            data-exception={row.id}
            className={css.row}
            onClick={() => onMove(n)}
          >
            <span role="gridcell">
              <input
                type="checkbox"
                tabIndex={-1}
                checked={selected.has(row.id)}
                aria-label={`Select message ${row.id}`}
                onClick={(e) => e.stopPropagation()}
                onChange={() => onSelect(row.id)}
              />
            </span>
            <span role="gridcell" className={css.what}>
              <Badge system={row.system} />
              <b>{row.recordId ?? `message ${row.id}`}</b>
              <span className={css.small}>{row.object ?? 'no object'}</span>
            </span>
            <span role="gridcell" className={css.detail}>
              {row.waiting && <span className={css.waits}>↻ in the queue · </span>}
              {codeWords(row.code)}: {row.detail}
            </span>
            <span role="gridcell" className={css.small}>
              {row.owner}
            </span>
            <span role="gridcell" className={css.small}>
              <Time at={row.receivedAt} />
            </span>
          </div>
        ))}
      </div>
      {hasMore && (
        <p className={css.more}>
          <Button refusal={loading ? 'They are being loaded' : null} onPress={onMore}>
            Show more
          </Button>
        </p>
      )}
    </>
  )
}
