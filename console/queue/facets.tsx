import { codeWords } from '../parts/valueText.ts'
import { useViewer } from '../session/viewer.ts'
import css from './facets.module.css'
import { NOBODY, type QueueState } from './filter.ts'
import type { QueueCountsQuery } from './queue.generated.ts'

interface FacetsProps {
  state: QueueState
  change: (part: Partial<QueueState>) => void
  counts: QueueCountsQuery | null
}

/** The filters with what each would show. A chosen one stays, also when it has nothing left. */
export function Facets({ state, change, counts }: FacetsProps) {
  const { name } = useViewer()
  const toggle = (part: 'kinds' | 'types', value: string) => {
    const now = state[part] ?? []
    const next = now.includes(value) ? now.filter((v) => v !== value) : [...now, value]
    change({ [part]: next.length > 0 ? next : undefined, at: undefined })
  }
  const one = (value: string) =>
    change({ assignee: state.assignee === value ? undefined : value, at: undefined })
  const assignees = counts?.assignees?.assignees ?? []
  const countOf = (who: string | null) => assignees.find((a) => a.value === who)?.count ?? 0
  return (
    <div className={css.facets}>
      <Group name="Kind">
        {withChosen(counts?.kinds?.kinds ?? [], state.kinds).map(({ value, count }) => (
          <Facet
            key={value}
            count={count}
            on={state.kinds?.includes(value)}
            press={() => toggle('kinds', value)}
          >
            {codeWords(value)}
          </Facet>
        ))}
      </Group>
      <Group name="Type">
        {withChosen(counts?.types?.types ?? [], state.types).map(({ value, count }) => (
          <Facet
            key={value}
            count={count}
            on={state.types?.includes(value)}
            press={() => toggle('types', value)}
          >
            {value}
          </Facet>
        ))}
      </Group>
      <Group name="Assigned to">
        <Facet count={countOf(name)} on={state.assignee === name} press={() => one(name)}>
          me
        </Facet>
        <Facet count={countOf(null)} on={state.assignee === NOBODY} press={() => one(NOBODY)}>
          nobody
        </Facet>
      </Group>
      <Group name="When">
        <Facet
          count={counts?.found?.overdue ?? 0}
          on={state.overdue}
          press={() => change({ overdue: state.overdue ? undefined : true, at: undefined })}
        >
          late
        </Facet>
        <Facet
          on={state.state === 'DEFERRED'}
          press={() => change({ state: state.state ? undefined : 'DEFERRED', at: undefined })}
        >
          deferred
        </Facet>
      </Group>
    </div>
  )
}

function withChosen(
  counted: readonly { value: string | null; count: number }[],
  chosen: string[] | undefined,
): { value: string; count: number }[] {
  const found = counted.flatMap(({ value, count }) => (value === null ? [] : [{ value, count }]))
  const missing = (chosen ?? []).filter((c) => !found.some((f) => f.value === c))
  return [...found, ...missing.map((value) => ({ value, count: 0 }))]
}

function Group({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div role="group" aria-label={name} className={css.group}>
      <span className={css.name} aria-hidden="true">
        {name}
      </span>
      {children}
    </div>
  )
}

function Facet({
  children,
  count,
  on = false,
  press,
}: {
  children: React.ReactNode
  count?: number
  on?: boolean | undefined
  press: () => void
}) {
  return (
    <button type="button" className={css.facet} aria-pressed={on} onClick={press}>
      {children}
      {count !== undefined && <span className={css.count}>{count.toLocaleString('en')}</span>}
    </button>
  )
}
