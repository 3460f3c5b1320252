import { type ReactNode, useEffect, useRef } from 'react'
import css from './dialog.module.css'

/** A dialog for what stands beside the work. Never for the main act of a screen. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string
  onClose: () => void
  children: ReactNode
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal()
  }, [])
  return (
    <dialog
      ref={dialog}
      className={css.dialog}
      aria-label={title}
      onClose={onClose}
      onClick={(e) => e.target === dialog.current && dialog.current?.close()}
    >
      <div className={css.body}>
        <div className={css.head}>
          <h1>{title}</h1>
          <button
            type="button"
            className={css.close}
            onClick={() => dialog.current?.close()}
            aria-label="Close"
          >
            ×
          </button>
        </div>
        {children}
      </div>
    </dialog>
  )
}
