import { GOLDEN_TYPES } from '../graph/goldenTypes.generated.ts'
import { codeWords } from '../parts/valueText.ts'
import css from './actions.module.css'
import type { ActionsState } from './state.ts'

const KINDS = [
  'MERGE',
  'UNMERGE',
  'SPLIT',
  'NOT_A_MATCH',
  'OVERRIDE',
  'LIFT',
  'ATTACH',
  'SET_PARENT',
  'RETIRE',
  'RESTORE',
  'BULK',
  'UNDO',
  'PUBLISH',
  'EXPIRE',
]
/** Events of the audit log beside the kinds of actions. */
const EVENTS = ['PROPOSE', 'DECLINED', 'WITHDRAWN', 'CLAIM', 'ACCESS_REFUSED']
const STATES = ['PROPOSED', 'DONE', 'UNDONE', 'DECLINED', 'WITHDRAWN', 'EXPIRED']

/** The filters. Each is in the address, so a bookmark is a saved view. */
export function Filters({
  state,
  change,
}: {
  state: ActionsState
  change: (part: Partial<ActionsState>) => void
}) {
  const set = (part: Partial<ActionsState>) => change({ ...part, at: undefined })
  const isActions = state.view === undefined
  const kinds = isActions ? KINDS : [...KINDS, ...EVENTS]
  return (
    <div role="search" aria-label="Filters" className={css.filters}>
      {state.view !== 'READS' && (
        <Choice
          label={isActions ? 'Kind' : 'Event'}
          value={state.kind}
          list={kinds}
          onChange={(kind) => set({ kind })}
        />
      )}
      {isActions && (
        <>
          <Choice
            label="Type"
            value={state.type}
            list={GOLDEN_TYPES.map((t) => t.name)}
            words={(t) => t}
            onChange={(type) => set({ type })}
          />
          <Choice
            label="State"
            value={state.state}
            list={STATES}
            onChange={(to) => set({ state: to })}
          />
        </>
      )}
      <Text label="Actor" value={state.actor} onChange={(actor) => set({ actor })} />
      {isActions && (
        <Text label="Reason contains" value={state.text} onChange={(text) => set({ text })} />
      )}
      <Text label="From" type="date" value={state.from} onChange={(from) => set({ from })} />
      <Text label="To" type="date" value={state.to} onChange={(to) => set({ to })} />
    </div>
  )
}

function Choice({
  label,
  value,
  list,
  words = codeWords,
  onChange,
}: {
  label: string
  value: string | undefined
  list: readonly string[]
  words?: (code: string) => string
  onChange: (value: string | undefined) => void
}) {
  return (
    <label>
      {label}
      <select value={value ?? ''} onChange={(e) => onChange(e.target.value || undefined)}>
        <option value="">all</option>
        {list.map((code) => (
          <option key={code} value={code}>
            {words(code)}
          </option>
        ))}
      </select>
    </label>
  )
}

/** The list follows when the person leaves the input or presses Enter, not at each letter. */
function Text({
  label,
  value,
  type = 'text',
  onChange,
}: {
  label: string
  value: string | undefined
  type?: 'text' | 'date'
  onChange: (value: string | undefined) => void
}) {
  const settle = (text: string) => text !== (value ?? '') && onChange(text || undefined)
  return (
    <label>
      {label}
      <input
        key={value ?? ''}
        type={type}
        defaultValue={value ?? ''}
        autoComplete="off"
        onBlur={(e) => settle(e.target.value)}
        onKeyDown={(e) => e.key === 'Enter' && settle(e.currentTarget.value)}
      />
    </label>
  )
}
