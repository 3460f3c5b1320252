import { type FormEvent, useId } from 'react'
import { Dialog } from '../parts/dialog.tsx'
import { counted } from '../parts/valueText.ts'
import css from './assignDialog.module.css'

export function AssignDialog({
  count,
  known,
  onAssign,
  onClose,
}: {
  count: number
  known: string[]
  onAssign: (to: string) => void
  onClose: () => void
}) {
  const list = useId()
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const to = String(new FormData(event.currentTarget).get('to') ?? '').trim()
    if (to !== '') onAssign(to)
  }
  return (
    <Dialog title={`Assign ${counted(count, 'task')}`} onClose={onClose}>
      <form className={css.form} onSubmit={send}>
        <label htmlFor={`${list}-to`}>To</label>
        <input id={`${list}-to`} name="to" list={list} autoFocus autoComplete="off" required />
        <datalist id={list}>
          {known.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <button type="submit">Assign ↵</button>
      </form>
    </Dialog>
  )
}
