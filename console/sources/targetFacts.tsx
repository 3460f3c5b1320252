import type { ReactNode } from 'react'
import { Time } from '../parts/time.tsx'
import { codeWords } from '../parts/valueText.ts'
import type { Target } from './entries.ts'
import { FactList, type Facts, Problem } from './factList.tsx'
import css from './sources.module.css'

/** How golden values are written to a source system. */
export function TargetFacts({ target: t }: { target: Target }) {
  const facts: Facts = [
    ['Mode', t.mode === null ? 'not configured any more' : codeWords(t.mode)],
    ['Owner', t.owner],
    ...(t.pausedUntil === null
      ? []
      : [['Paused until', <Time key="p" at={t.pausedUntil} />] as [string, ReactNode]]),
    ...(t.failedSince === null
      ? []
      : [['Failing since', <Time key="f" at={t.failedSince} />] as [string, ReactNode]]),
    ...(t.scannedAt === null && t.scanTotal !== null
      ? [
          [
            'Planned again',
            `${t.scanned.toLocaleString('en')} of ${t.scanTotal.toLocaleString('en')} records`,
          ] as [string, ReactNode],
        ]
      : []),
  ]
  return (
    <section className={css.part} aria-label="Write-back">
      <h2>Write-back</h2>
      {t.held !== null && (
        <p className={css.problem}>
          <span aria-hidden="true">⚠ </span>Nothing is written: {t.held}
        </p>
      )}
      <Problem code={t.code} detail={t.detail} verdict={t.verdict} />
      <FactList facts={facts} />
    </section>
  )
}
