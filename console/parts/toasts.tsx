import { useEffect, useSyncExternalStore } from 'react'
import { Button } from './button.tsx'
import css from './toasts.module.css'

interface Toast {
  id: number
  text: string
  kind: 'DONE' | 'FAILED'
  undo?: { name: string; key: string; run: () => void } | undefined
}

const toastMs = 8_000
const toastsMax = 3
let toasts: Toast[] = []
let last = 0
const listeners = new Set<() => void>()
const change = (next: Toast[]) => {
  toasts = next
  for (const listener of listeners) listener()
}

/** Says what was done, and offers its undo. */
export function toastDone(text: string, undo?: Toast['undo']): void {
  add({ text, kind: 'DONE', undo })
}

/** Says what happened, what is unchanged and what to do. It stays until it is closed. */
export function toastFailed(text: string): void {
  add({ text, kind: 'FAILED' })
}

function add(toast: Omit<Toast, 'id'>): void {
  const id = ++last
  change([...toasts, { ...toast, id }].slice(-toastsMax))
  if (toast.kind === 'DONE') setTimeout(() => close(id), toastMs)
}

function close(id: number): void {
  change(toasts.filter((t) => t.id !== id))
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => toasts,
  )
  useEffect(() => () => change([]), [])
  return (
    <div className={css.list} role="status" aria-live="polite">
      {shown.map((t) => (
        <div key={t.id} className={css.toast} data-kind={t.kind}>
          <span>
            {t.kind === 'FAILED' && <span aria-hidden="true">⚠ </span>}
            {t.text}
          </span>
          {t.undo && (
            <Button
              kind="QUIET"
              keyHint={t.undo.key}
              onPress={() => {
                close(t.id)
                t.undo?.run()
              }}
            >
              {t.undo.name}
            </Button>
          )}
          <Button kind="QUIET" label="Close this message" onPress={() => close(t.id)}>
            ×
          </Button>
        </div>
      ))}
    </div>
  )
}
