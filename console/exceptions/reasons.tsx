import { Badge } from '../parts/badge.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted } from '../parts/valueText.ts'
import css from './exceptions.module.css'
import { choiceOf, type ExceptionsState, isChosen, type Reason } from './filter.ts'

/** How many exceptions each reason and source has, with owner and age. A press chooses one. */
export function Reasons({
  reasons,
  more,
  state,
  change,
}: {
  reasons: readonly Reason[]
  /** There are more reasons than are shown. */
  more: boolean
  state: ExceptionsState
  change: (part: Partial<ExceptionsState>) => void
}) {
  return (
    <div className={css.reasons}>
      <table aria-label="Reasons">
        <thead>
          <tr>
            <th scope="col">Reason</th>
            <th scope="col">Source and object</th>
            <th scope="col">Owner</th>
            <th scope="col">Oldest</th>
            <th scope="col" className={css.number}>
              Messages
            </th>
          </tr>
        </thead>
        <tbody>
          {reasons.map((reason) => {
            const on = state.code !== undefined && isChosen(reason, state)
            return (
              <tr
                key={`${reason.system} ${reason.object} ${reason.code}`}
                data-on={on || undefined}
              >
                <th scope="row">
                  <button
                    type="button"
                    className={css.reason}
                    aria-pressed={on}
                    onClick={() => change(choiceOf(on ? null : reason))}
                  >
                    <span aria-hidden="true">{on ? '▾ ' : '▸ '}</span>
                    {codeWords(reason.code)}
                  </button>
                </th>
                <td>
                  <span className={css.place}>
                    <Badge system={reason.system} label />
                    {reason.object ?? <span className={css.small}>no object</span>}
                  </span>
                </td>
                <td>
                  <button
                    type="button"
                    className={css.reason}
                    aria-pressed={state.owner === reason.owner}
                    title={
                      state.owner === reason.owner
                        ? 'Show those of all owners'
                        : `Show only those of ${reason.owner}`
                    }
                    onClick={() =>
                      change({
                        ...choiceOf(null),
                        owner: state.owner === reason.owner ? undefined : reason.owner,
                      })
                    }
                  >
                    {reason.owner}
                  </button>
                </td>
                <td>
                  <Time at={reason.oldestAt} />
                </td>
                <td className={css.number}>
                  {reason.count.toLocaleString('en')}
                  {reason.waiting > 0 && (
                    <span className={css.small}>
                      {' '}
                      · {reason.waiting.toLocaleString('en')} in the queue
                    </span>
                  )}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {more && (
        <p className={css.small}>
          The {counted(reasons.length, 'most frequent reason')} are shown. Choose an owner to see
          the others.
        </p>
      )}
    </div>
  )
}
