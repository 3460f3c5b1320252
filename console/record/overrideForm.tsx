import { useId, useState } from 'react'
import type { GraphField } from '../graph/goldenTypes.ts'
import { type Draft, draftOf, isEditable, partsOf, statedValue } from '../parts/editor.ts'
import { FieldInput } from '../parts/fieldInput.tsx'
import { fieldWords } from '../parts/valueText.ts'
import { ActForm } from './actForm.tsx'
import css from './record.module.css'

interface OverrideFormProps {
  seen: { id: string; version: number }
  field: GraphField
  value: unknown
  refusal: string | null
  onClose: () => void
  onDone: () => void
}

/** States the value of a field. */
export function OverrideForm({ seen, field, value, refusal, onClose, onDone }: OverrideFormProps) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(field, value))
  const [settled, setSettled] = useState(draft)
  const [until, setUntil] = useState('')
  const id = useId()
  const stated = statedValue(field, settled)
  const isSame = JSON.stringify(draftOf(field, value)) === JSON.stringify(settled)
  const problem = 'problem' in stated ? stated.problem : null
  const words = fieldWords(field.name)
  const missing = !isEditable(field)
    ? 'A list of groups is stated through the graph, by overrideField.'
    : (problem ?? (isSame ? 'Type the right value. Empty states that there is none.' : null))
  const expiresAt = until === '' ? null : new Date(`${until}T00:00:00`).toISOString()
  return (
    <ActForm
      title={`State the ${words}`}
      verb={`State the ${words}`}
      done={`Stated the ${words}`}
      action={
        missing !== null || 'problem' in stated
          ? null
          : { override: { record: seen, field: field.name, value: stated.value, expiresAt } }
      }
      missing={missing}
      refusal={refusal}
      onClose={onClose}
      onDone={onDone}
    >
      {isEditable(field) &&
        partsOf(field).map(({ name, field: part }, n) => (
          <div key={name} className={css.label}>
            <label htmlFor={`${id}-${name}`}>{name === '' ? 'Value' : fieldWords(name)}</label>
            <FieldInput
              id={`${id}-${name}`}
              field={part}
              value={draft[name] ?? ''}
              autoFocus={n === 0}
              onChange={(text) => setDraft((d) => ({ ...d, [name]: text }))}
              onSettle={(text) => setSettled((d) => ({ ...d, ...draft, [name]: text }))}
            />
          </div>
        ))}
      <div className={css.label}>
        <label htmlFor={`${id}-until`}>Until (for good without a day)</label>
        <input
          id={`${id}-until`}
          className={css.input}
          type="date"
          value={until}
          onChange={(e) => setUntil(e.target.value)}
        />
      </div>
    </ActForm>
  )
}
