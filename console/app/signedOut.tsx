import { type FormEvent, useEffect, useRef, useState } from 'react'
import { signIn, signInMode } from '../session/session.ts'
import css from './gate.module.css'

/** The sign-in. With `over` it lies above the screen, which stays as it is. */
export function SignedOut({
  why,
  again,
  over = false,
}: {
  why: string | null
  again: () => void
  over?: boolean
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (over && !dialog.current?.open) dialog.current?.showModal()
  }, [over])
  const content = (
    <div className={css.card}>
      <h1>{over ? 'You are signed out' : 'Sign in to Touchstone'}</h1>
      {why && <p className={css.why}>{why}</p>}
      <Way again={again} />
      {over && <p className={css.note}>The screen is as you left it. Nothing was changed.</p>}
    </div>
  )
  if (!over) return <main className={css.page}>{content}</main>
  return (
    <dialog
      ref={dialog}
      className={css.dialog}
      onCancel={(e) => e.preventDefault()}
      aria-label="Sign in"
    >
      {content}
    </dialog>
  )
}

function Way({ again }: { again: () => void }) {
  const [credential, setCredential] = useState('')
  if (signInMode === 'ISSUER')
    return (
      <button type="button" className={css.main} onClick={() => void signIn()}>
        Sign in
      </button>
    )
  const send = (event: FormEvent) => {
    event.preventDefault()
    void signIn(credential).then(again)
  }
  return (
    <form className={css.form} onSubmit={send}>
      {signInMode === 'DEVELOPMENT' && (
        <p>
          Run <code>npx touchstone link console</code> and open the link that it prints. Or enter
          the secret of the start:
        </p>
      )}
      <label htmlFor="credential">
        {signInMode === 'DEVELOPMENT' ? 'Secret, token or API key' : 'Token or API key'}
      </label>
      <input
        id="credential"
        type="password"
        autoComplete="off"
        value={credential}
        onChange={(e) => setCredential(e.target.value)}
      />
      <button type="submit" className={css.main}>
        Sign in
      </button>
    </form>
  )
}
