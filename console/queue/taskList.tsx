import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import { Badge } from '../parts/badge.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, roundMoneyText } from '../parts/valueText.ts'
import { useViewer } from '../session/viewer.ts'
import css from './taskList.module.css'
import type { TaskRow } from './useTasks.ts'

/** Height of a row in pixels, on wide and on narrow screens. */
const rowHeight = 36
const narrowRowHeight = 72
/** Rows before the end at which the next page is loaded. */
const aheadRows = 40

interface TaskListProps {
  rows: TaskRow[]
  at: number
  /** Number of all tasks of the filter; null while it is unknown. */
  total: number | null
  selected: ReadonlySet<string>
  onMove: (to: number) => void
  onOpen: (id: string) => void
  onSelect: (id: string) => void
  onEnd: () => void
}

/** The list of tasks. Only the rows in sight are in the page. */
export function TaskList(props: TaskListProps) {
  const { rows, at, total, selected, onMove, onOpen, onSelect, onEnd } = props
  const scroller = useRef<HTMLDivElement>(null)
  const isNarrow = matchMedia('(width < 900px)').matches
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (isNarrow ? narrowRowHeight : rowHeight),
    getItemKey: (n) => rows[n]?.id ?? n,
    overscan: 12,
  })
  useEffect(() => {
    if (at < rows.length) list.scrollToIndex(at)
  }, [at, rows.length, list])
  const lastShown = list.getVirtualItems().at(-1)?.index ?? 0
  useEffect(() => {
    if (lastShown > rows.length - aheadRows) onEnd()
  }, [lastShown, rows.length, onEnd])
  return (
    <div
      ref={scroller}
      className={css.scroller}
      role="grid"
      aria-label="Tasks"
      aria-rowcount={total ?? rows.length}
      aria-multiselectable="true"
      aria-activedescendant={rows[at] ? `task-${rows[at].id}` : undefined}
      tabIndex={0}
    >
      <div className={css.rows} style={{ height: list.getTotalSize() }} role="rowgroup">
        {list.getVirtualItems().map(({ index, start, size }) => {
          const task = rows[index]
          return task ? (
            <div
              key={task.id}
              id={`task-${task.id}`}
              role="row"
              tabIndex={-1}
              aria-rowindex={index + 1}
              aria-selected={selected.has(task.id)}
              data-current={index === at || undefined}
              className={css.row}
              style={{ transform: `translateY(${start}px)`, height: size }}
              onClick={() => onMove(index)}
              onDoubleClick={() => onOpen(task.id)}
            >
              <Cells task={task} isSelected={selected.has(task.id)} onSelect={onSelect} />
            </div>
          ) : null
        })}
      </div>
    </div>
  )
}

const GLYPHS: Record<string, string> = {
  POSSIBLE_MATCH: '≈',
  CONFLICT: '≠',
  VALIDATION: '!',
  APPROVAL: '✓',
  SPLIT: '⑂',
  HIERARCHY: '↻',
  DUPLICATE: '⧉',
  WRITE: '⇥',
  UNKNOWN_GOLDEN_ID: '?',
}

function Cells({
  task,
  isSelected,
  onSelect,
}: {
  task: TaskRow
  isSelected: boolean
  onSelect: (id: string) => void
}) {
  const { valueCurrency } = useViewer()
  const systems = [...new Set(task.subjects.flatMap((s) => s.members.map((m) => m.system)))]
  const isLate = Date.parse(task.dueAt) < Date.now()
  return (
    <>
      <span role="gridcell" className={css.check}>
        <input
          type="checkbox"
          tabIndex={-1}
          checked={isSelected}
          aria-label={`Select ${titleOf(task)}`}
          onClick={(e) => e.stopPropagation()}
          onChange={() => onSelect(task.id)}
        />
      </span>
      <span role="gridcell" className={css.kind}>
        <span aria-hidden="true" className={css.glyph}>
          {GLYPHS[task.kind] ?? '·'}
        </span>
        {codeWords(task.kind)}
      </span>
      <span role="gridcell" className={css.title}>
        {titleOf(task)}
      </span>
      <span role="gridcell" className={css.systems}>
        {systems.map((s) => (
          <Badge key={s} system={s} />
        ))}
      </span>
      <span role="gridcell" className={css.stake}>
        {task.stake > 0 ? roundMoneyText(task.stake, valueCurrency) : ''}
      </span>
      <span role="gridcell" className={css.due} data-late={isLate || undefined}>
        {isLate && 'late, '}
        <Time at={task.dueAt} />
      </span>
      <span role="gridcell" className={css.assignee}>
        {task.assignee ?? ''}
      </span>
    </>
  )
}

/** The names of what the task is about; its reason if it is about no golden record. */
export function titleOf(task: TaskRow): string {
  const names = task.subjects.map((s) => s.title ?? `${s.type} without a name`)
  if (names.length > 1) return names.join('  ·  ')
  if (names.length === 1) return `${names[0]}: ${task.reason}`
  return task.reason
}
