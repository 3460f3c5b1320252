import { Value } from '../parts/value.tsx'
import { counted, fieldWords } from '../parts/valueText.ts'
import css from './approvals.module.css'
import { columnsMax, columnsOf, differingFields, type Preview, type Shown } from './compare.ts'

const WHEN = { SEEN: 'as the author saw it', NOW: 'now', AFTER: 'after the approval' }

/** What the author saw beside what the approval would do now. */
export function Comparison({ action, preview }: { action: Shown; preview: Preview | null }) {
  const columns = columnsOf(action, preview)
  if (columns.length === 0)
    return <p className={css.note}>The proposal names no version of a golden record.</p>
  if (columns.length > columnsMax)
    return (
      <p className={css.note}>
        It is about {counted(action.seen.length, 'golden record')}. What happens to each is listed
        under “What it would do”.
      </p>
    )
  const { fields, same } = differingFields(columns)
  return (
    <div className={css.compare}>
      <table className={css.table}>
        <caption className="visually-hidden">
          What the author saw, and what the approval would do now
        </caption>
        <thead>
          <tr>
            <th scope="col">Field</th>
            {columns.map((c) => (
              <th key={c.key} scope="col" data-when={c.when}>
                <span className={css.columnTitle}>{c.title}</span>
                <span>
                  {WHEN[c.when]}
                  {c.version !== null && `, version ${c.version}`}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <tr key={field}>
              <th scope="row">{fieldWords(field)}</th>
              {columns.map((c) => (
                <td key={c.key} data-when={c.when} data-label={`${c.title}, ${WHEN[c.when]}`}>
                  <Value
                    value={c.values[field]}
                    against={c.when === 'SEEN' ? undefined : columns[0]?.values[field]}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className={css.small}>
        {fields.length === 0 && 'No value differs. '}
        {same > 0 && `${counted(same, 'further field is', 'further fields are')} the same.`}
      </p>
    </div>
  )
}
