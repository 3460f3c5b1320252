import type { ReactNode } from 'react'
import type { Failure } from '../graph/failure.ts'
import { signIn } from '../session/session.ts'
import { Button } from './button.tsx'
import css from './states.module.css'

const HEADLINES: Record<Failure['kind'], string> = {
  AWAY: 'The server does not respond',
  EXPIRED: 'You are signed out',
  REFUSED: 'You have no right to see this',
  PART: 'A part could not be loaded',
  BROKEN: 'This could not be loaded',
}

/** What happened, what is unchanged, and what to do. Everything else on the screen stays. */
export function FailureNote({ failure, again }: { failure: Failure; again?: () => void }) {
  return (
    <div className={css.note} data-kind={failure.kind} role="alert">
      <h2>
        <span aria-hidden="true">⚠ </span>
        {HEADLINES[failure.kind]}
      </h2>
      <p>{failure.message}</p>
      {failure.correlationId && (
        <p className={css.small}>
          In the server’s log: <code>{failure.correlationId}</code>
        </p>
      )}
      <div className={css.actions}>
        {again && failure.kind !== 'REFUSED' && <Button onPress={again}>Load again</Button>}
        {failure.kind === 'EXPIRED' && <Button onPress={() => void signIn()}>Sign in again</Button>}
      </div>
    </div>
  )
}

/** An empty state. It teaches the next step. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={css.empty}>
      <h2>{title}</h2>
      {children}
    </div>
  )
}

/** Rows in the shape of what comes. `slow` says that the wait is longer than usual. */
export function Skeleton({ rows = 8, slow = false }: { rows?: number; slow?: boolean }) {
  return (
    <div className={css.skeleton} role="status" aria-label="Loading">
      {slow && (
        <p className={css.slow}>The server takes longer than usual. It goes on by itself.</p>
      )}
      {Array.from({ length: rows }, (_, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all the same
        <span key={n} className={css.bar} aria-hidden="true" />
      ))}
    </div>
  )
}

export function SlowNote({ slow }: { slow: boolean }) {
  return slow ? (
    <p className={css.slow} role="status">
      The server takes longer than usual. It goes on by itself.
    </p>
  ) : null
}
