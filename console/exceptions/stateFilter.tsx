import css from './exceptions.module.css'
import type { ExceptionsState } from './filter.ts'

const STATES = [
  [undefined, 'open'],
  ['CORRECTED', 'corrected'],
  ['DISCARDED', 'set aside'],
] as const

/** Which exceptions are shown: open ones, or those that were dealt with. */
export function StateFilter({
  state,
  change,
}: {
  state: ExceptionsState
  change: (part: Partial<ExceptionsState>) => void
}) {
  return (
    <div role="group" aria-label="State" className={css.states}>
      {STATES.map(([value, name]) => (
        <button
          key={name}
          type="button"
          className={css.state}
          aria-pressed={state.state === value}
          onClick={() =>
            change({
              state: value,
              system: undefined,
              object: undefined,
              code: undefined,
              at: undefined,
            })
          }
        >
          {name}
        </button>
      ))}
    </div>
  )
}
