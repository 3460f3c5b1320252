import type { ReactNode } from 'react'
import { Time } from '../parts/time.tsx'
import { counted } from '../parts/valueText.ts'
import { type Pulled, type System, stateText } from './entries.ts'
import { FactList, type Facts, Problem } from './factList.tsx'
import css from './sources.module.css'

/** What is known about an object that is pulled: its state, what holds it, its position and backlog. */
export function ObjectFacts({ o, system }: { o: Pulled; system: System | null }) {
  const { glyph, words } = stateText(o)
  const waiting = system?.waiting.find((w) => w.object === o.object)
  const facts: Facts = [
    ['State', <Since key="s" at={o.since} text={words} glyph={glyph} />],
    ['Last complete pull', o.successAt ? <Time key="l" at={o.successAt} /> : 'none yet'],
    [
      'Next run',
      o.state === 'PAUSED' ? (
        'none, until it is started'
      ) : o.reading ? (
        'it is being read'
      ) : (
        <Time key="d" at={o.dueAt} />
      ),
    ],
    ['Position stored', o.positionAt ? <Time key="p" at={o.positionAt} /> : 'there is none'],
    ['Position expires', o.positionExpiresAt ? <Time key="x" at={o.positionExpiresAt} /> : 'never'],
    [
      'Rows read',
      `${o.rows.toLocaleString('en')}${o.announced === null ? '' : ` of ${o.announced.toLocaleString('en')}`}`,
    ],
    ['Messages to apply', waiting ? <Backlog key="w" waiting={waiting} /> : 'none'],
    ['Named by events', o.hintsSince ? <Hints key="h" o={o} /> : 'none wait'],
    ['Last census', o.censusAt ? <Time key="c" at={o.censusAt} /> : 'none yet'],
    ['Owner', o.owner],
    ...(o.actor === null ? [] : [['Last request by', o.actor] as [string, string]]),
    ...(o.failedSince === null
      ? []
      : [
          ['Failing since', <Time key="f" at={o.failedSince} />] as [string, ReactNode],
          ['Failed attempts', o.attempts] as [string, ReactNode],
        ]),
    ...(o.rescanSince === null
      ? []
      : [['Read as a whole since', <Time key="r" at={o.rescanSince} />] as [string, ReactNode]]),
  ]
  return (
    <>
      <Problem code={o.code} detail={o.detail} verdict={o.verdict} />
      {o.hintCode !== null && (
        <Problem code={o.hintCode} detail={`Records that events named: ${o.hintDetail ?? ''}`} />
      )}
      {o.hintsHeld > 0 && (
        <p className={css.problem}>
          <span aria-hidden="true">⚠ </span>
          {counted(o.hintsHeld, 'record')} that events named cannot be read: {o.hintHeldDetail}
        </p>
      )}
      {o.censusMissing !== null && (
        <p className={css.problem}>
          <span aria-hidden="true">⚠ </span>A census found {counted(o.censusMissing, 'record')} that
          the system no longer lists, and asks. “Find deleted records” deletes them here.
        </p>
      )}
      <FactList facts={facts} />
    </>
  )
}

function Backlog({ waiting }: { waiting: System['waiting'][number] }) {
  return (
    <>
      {waiting.count.toLocaleString('en')}, the oldest <Time at={waiting.oldestAt} />
    </>
  )
}

function Hints({ o }: { o: Pulled }) {
  return (
    <>
      {counted(o.hints, 'record')}
      {o.hintsSince && (
        <>
          , since <Time at={o.hintsSince} />
        </>
      )}
      {o.hintsDueAt && (
        <>
          , tried again <Time at={o.hintsDueAt} />
        </>
      )}
    </>
  )
}

function Since({ text, glyph, at }: { text: string; glyph: string; at: string }) {
  return (
    <>
      <span aria-hidden="true">{glyph} </span>
      {text}, <Time at={at} />
    </>
  )
}
