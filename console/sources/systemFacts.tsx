import { Time } from '../parts/time.tsx'
import { codeWords, counted } from '../parts/valueText.ts'
import { type Entry, intakeText, type System } from './entries.ts'
import { FactList, type Facts, Table } from './factList.tsx'
import css from './sources.module.css'
import { TargetFacts } from './targetFacts.tsx'

/** What is known about a source system as a whole. */
export function SystemFacts({ entry: { source, system, objects, target } }: { entry: Entry }) {
  const facts: Facts = system
    ? [
        ['Kind', system.kind],
        ['Role', system.role],
        ['Owner', system.owner],
        ['Records come', `it ${intakeText(system)}`],
        [
          'Last message',
          system.lastMessageAt ? (
            <Time key="l" at={system.lastMessageAt} />
          ) : (
            'none among the newest 10,000'
          ),
        ],
        ['Messages of an hour', system.messagesOfHour.toLocaleString('en')],
        ['Objects pulled', objects.length],
        ['Exceptions', <Exceptions key="e" source={source} count={system.exceptions} />],
      ]
    : []
  return (
    <>
      {system === null && (
        <p className={css.problem}>
          <span aria-hidden="true">⚠ </span>config/sources.yaml does not name it any more: it is not
          asked, and its messages are exceptions.
        </p>
      )}
      {system?.held && (
        <p className={css.problem}>
          <span aria-hidden="true">⚠ </span>Its messages are held: {system.held}
        </p>
      )}
      {system?.closedUntil && (
        <p className={css.problem}>
          <span aria-hidden="true">☾ </span>Closed until <Time at={system.closedUntil} />:{' '}
          {system.closedBecause}
        </p>
      )}
      <FactList facts={facts} />
      {system && <Waiting system={system} />}
      {system && system.limits.length > 0 && <Limits system={system} />}
      {system && system.latestFiles.length > 0 && <Files system={system} />}
      {target && <TargetFacts target={target} />}
    </>
  )
}

function Exceptions({ source, count }: { source: string; count: number }) {
  return count === 0 ? (
    'none'
  ) : (
    <a href={`/console/exceptions?system=${source}`}>{counted(count, 'exception')}</a>
  )
}

function Waiting({ system }: { system: System }) {
  if (system.waiting.length === 0) return null
  return (
    <Table
      title="Messages to apply"
      head={['Object', 'Messages', 'Oldest']}
      rows={system.waiting.map((w) => [
        w.object ?? 'none named',
        w.count.toLocaleString('en'),
        <Time key="o" at={w.oldestAt} />,
      ])}
    />
  )
}

function Limits({ system }: { system: System }) {
  return (
    <Table
      title="Limits of its credential"
      head={['Limit', 'Taken now', 'Allowed']}
      rows={system.limits.map((l) => [
        l.name,
        <span key="u">
          <meter
            min={0}
            max={l.max}
            value={Math.min(l.used, l.max)}
            aria-label={`${l.name}: taken`}
          />{' '}
          {l.used.toLocaleString('en')}
        </span>,
        `${l.max.toLocaleString('en')}${l.perMs === null ? ' at one time' : ''}`,
      ])}
    />
  )
}

function Files({ system }: { system: System }) {
  return (
    <Table
      title="Latest files"
      head={['File', 'State', 'Rows', 'Seen']}
      rows={system.latestFiles.map((f) => [
        f.name,
        <span key="s" className={f.state === 'REFUSED' || f.state === 'MISSING' ? css.bad : ''}>
          {codeWords(f.state)}
          {f.holdsBack && ', holds back later ones'}
          {f.code !== null && `: ${codeWords(f.code)} ${f.detail ?? ''}`}
        </span>,
        f.rows.toLocaleString('en'),
        <Time key="t" at={f.seenAt} />,
      ])}
    />
  )
}
