import { type FormEvent, type ReactNode, useId, useRef, useState } from 'react'
import { Button } from '../parts/button.tsx'
import { type Action, carryOut } from './act.ts'
import { PreviewOf, usePreview } from './preview.tsx'
import css from './record.module.css'

interface ActFormProps {
  title: string
  /** What was done, for the message afterwards. */
  done: string
  /** The words on the button that does it. */
  verb: string
  /** The action; null while something is missing. */
  action: Action | null
  /** Why the caller may not; null if it may. */
  refusal: string | null
  /** What is missing, as a sentence. */
  missing?: string | null
  children?: ReactNode
  onClose: () => void
  onDone: () => void
}

/** An action with its preview, its reason and the button that does it. Nothing happens before. */
export function ActForm(props: ActFormProps) {
  const { title, done, verb, action, refusal, missing = null, children, onClose, onDone } = props
  const id = useId()
  const [reason, setReason] = useState('')
  const [sending, setSending] = useState(false)
  const state = usePreview(action)
  // One key for each content: pressing again after a lost connection repeats the same request.
  const last = useRef({ text: '', key: '' })
  const why =
    refusal ??
    missing ??
    state.refusal ??
    (reason.trim() === '' ? 'State a reason first' : sending ? 'It is being done' : null)
  const needsApproval = (state.preview?.approval.length ?? 0) > 0
  const send = async () => {
    if (why !== null || !action) return
    const text = JSON.stringify([action, reason])
    if (last.current.text !== text) last.current = { text, key: crypto.randomUUID() }
    setSending(true)
    const isDone = await carryOut(action, reason.trim(), last.current.key, {
      text: done,
      changed: onDone,
    })
    setSending(false)
    if (isDone) onClose()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void send()
  }
  return (
    <form className={css.side} onSubmit={submit} aria-label={title}>
      <h2>{title}</h2>
      {children}
      {missing && <p className={css.small}>{missing}</p>}
      {action && <PreviewOf state={state} />}
      <div className={css.label}>
        <label htmlFor={id}>Reason</label>
        <input
          id={id}
          className={css.input}
          value={reason}
          onChange={(e) => setReason(e.target.value)}
          placeholder="For the people who read it later"
          autoComplete="off"
          onKeyDown={(e) => {
            if (e.key !== 'Enter') return
            e.preventDefault()
            void send()
          }}
        />
      </div>
      <div className={css.line}>
        <Button kind="MAIN" refusal={why} keyHint="Enter" onPress={() => void send()}>
          {needsApproval ? `Propose: ${verb}` : verb}
        </Button>
        <Button keyHint="Escape" onPress={onClose}>
          Leave it
        </Button>
      </div>
    </form>
  )
}
