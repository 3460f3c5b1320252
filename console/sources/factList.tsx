import type { ReactNode } from 'react'
import { Scroll } from '../parts/scroll.tsx'
import { codeWords } from '../parts/valueText.ts'
import css from './sources.module.css'

export type Facts = [string, ReactNode][]

/** What to do about an answer of a source system. */
const ADVICE: Record<string, string> = {
  RETRY: 'The system was away or too slow. It is tried again by itself.',
  WAIT: 'A limit of the system was reached. It goes on when the system allows it.',
  CLOSED: 'The system is in maintenance. It is tried again by itself.',
  SIGN_IN: 'The credential is not accepted: renew the secret, then start it again.',
  FORBIDDEN: 'The credential lacks a permission: give it, then start it again.',
  GONE: 'The position has expired. If it stays, a run takes longer than the system stores changes.',
  INVALID: 'The answer is not what the definition says: compare the detail with it.',
  MISSING: 'The request is wrong and stays so: correct the definition or the settings.',
  PERMANENT: 'The request is wrong and stays so: correct the definition or the settings.',
  CONFLICT: 'The record changed meanwhile. It is tried again by itself.',
}

export function Problem({
  code,
  detail,
  verdict = null,
}: {
  code: string | null
  detail: string | null
  verdict?: string | null
}) {
  if (code === null) return null
  return (
    <div className={css.problem}>
      <p>
        <span aria-hidden="true">⚠ </span>
        <b>{codeWords(code)}</b>
        {detail && `: ${detail}`}
      </p>
      {verdict !== null && ADVICE[verdict] && <p>{ADVICE[verdict]}</p>}
    </div>
  )
}

/** Names with values. */
export function FactList({ facts }: { facts: Facts }) {
  return (
    <dl className={css.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** A small table with a title. */
export function Table({
  title,
  head,
  rows,
}: {
  title: string
  head: string[]
  rows: ReactNode[][]
}) {
  return (
    <div className={css.part}>
      <h2>{title}</h2>
      <Scroll title={title}>
        <table className={css.table}>
          <thead>
            <tr>
              {head.map((h) => (
                <th key={h} scope="col">
                  {h}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((cells, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the rows are drawn as a whole
              <tr key={n}>
                {cells.map((cell, c) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: the columns never move
                  <td key={c}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </div>
  )
}
