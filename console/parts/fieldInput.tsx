import type { GraphField } from '../graph/goldenTypes.ts'
import css from './fieldInput.module.css'
import { codeWords } from './valueText.ts'

const focus = (input: HTMLElement | null) => input?.focus()

/** The preview follows when the person leaves the input or presses Enter, not at each letter. */
export function FieldInput({
  id,
  field,
  value,
  autoFocus = false,
  onChange,
  onSettle,
}: {
  id: string
  field: GraphField
  value: string
  autoFocus?: boolean
  onChange: (text: string) => void
  onSettle: (text: string) => void
}) {
  const both = (text: string) => {
    onChange(text)
    onSettle(text)
  }
  if (field.codes && !field.list)
    return (
      <select
        id={id}
        className={css.input}
        ref={autoFocus ? focus : undefined}
        value={value}
        onChange={(e) => both(e.target.value)}
      >
        <option value="">no value</option>
        {field.codes.map((code) => (
          <option key={code} value={code}>
            {codeWords(code)}
          </option>
        ))}
      </select>
    )
  if (field.kind === 'YES_NO')
    return (
      <select
        id={id}
        className={css.input}
        ref={autoFocus ? focus : undefined}
        value={value}
        onChange={(e) => both(e.target.value)}
      >
        <option value="">no value</option>
        <option value="true">yes</option>
        <option value="false">no</option>
      </select>
    )
  if (field.list)
    return (
      <textarea
        id={id}
        className={css.input}
        rows={4}
        ref={autoFocus ? focus : undefined}
        value={value}
        placeholder="One a line"
        onChange={(e) => onChange(e.target.value)}
        onBlur={(e) => onSettle(e.target.value)}
      />
    )
  return (
    <input
      id={id}
      className={css.input}
      ref={autoFocus ? focus : undefined}
      autoComplete="off"
      type={field.kind === 'DATE' ? 'date' : 'text'}
      placeholder={field.kind === 'REFERENCE' ? `Golden id of the ${field.of}` : undefined}
      value={value}
      onChange={(e) => onChange(e.target.value)}
      onBlur={(e) => onSettle(e.target.value)}
      onKeyDown={(e) => {
        if (e.key !== 'Enter') return
        e.preventDefault()
        onSettle(value)
      }}
    />
  )
}
