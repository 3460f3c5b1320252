import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { Button } from './button.tsx'
import input from './fieldInput.module.css'
import css from './reasonForm.module.css'

interface ReasonFormProps {
  title: string
  /** What happens, before it does. */
  consequence: ReactNode
  /** The words on the button that does it. */
  verb: string
  /** Reasons to choose from; the first one is there already. */
  reasons: readonly string[]
  /** Why it cannot be done now; null if it can. */
  refusal?: string | null
  /** False: the cursor stays where it is. */
  focus?: boolean
  /** Does it, and returns whether it was done: then the form closes. */
  send: (reason: string, idempotencyKey: string) => Promise<boolean>
  onClose: () => void
}

/** Says what an act does, asks for a reason, and does it. Nothing happens before. */
export function ReasonForm(props: ReasonFormProps) {
  const { title, consequence, verb, reasons, refusal = null, focus = true, send, onClose } = props
  const id = useId()
  const box = useRef<HTMLInputElement>(null)
  const [reason, setReason] = useState(reasons[0] ?? '')
  const [sending, setSending] = useState(false)
  // Pressing again after a lost connection repeats the same request.
  const last = useRef({ reason: '', key: '' })
  useEffect(() => {
    if (focus) box.current?.select()
  }, [focus])
  const why =
    refusal ?? (reason.trim() === '' ? 'State a reason first' : sending ? 'It is being done' : null)
  const press = async () => {
    if (why !== null) return
    if (last.current.reason !== reason) last.current = { reason, key: crypto.randomUUID() }
    setSending(true)
    const isDone = await send(reason.trim(), last.current.key)
    setSending(false)
    if (isDone) onClose()
  }
  return (
    <form
      className={css.form}
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault()
        void press()
      }}
    >
      <h2>{title}</h2>
      {consequence}
      <div className={css.label}>
        <label htmlFor={id}>Reason</label>
        <input
          ref={box}
          id={id}
          className={input.input}
          value={reason}
          list={`${id}-list`}
          autoComplete="off"
          placeholder="For the people who read it later"
          onChange={(e) => setReason(e.target.value)}
          onKeyDown={(e) => {
            if (e.key !== 'Enter') return
            e.preventDefault()
            void press()
          }}
        />
        <datalist id={`${id}-list`}>
          {reasons.map((r) => (
            <option key={r} value={r} />
          ))}
        </datalist>
      </div>
      <div className={css.line}>
        <Button kind="MAIN" refusal={why} keyHint="Enter" onPress={() => void press()}>
          {verb}
        </Button>
        <Button keyHint="Escape" onPress={onClose}>
          Leave it
        </Button>
      </div>
    </form>
  )
}
