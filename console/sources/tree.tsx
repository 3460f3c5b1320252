import { useEffect, useRef } from 'react'
import { Badge } from '../parts/badge.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted } from '../parts/valueText.ts'
import { type Entry, intakeText, needsPerson, stateText, type Target } from './entries.ts'
import css from './sources.module.css'

/** The source systems, each followed by its objects with state, age and backlog. */
export function SourceTree({
  entries,
  at,
  onMove,
}: {
  entries: readonly Entry[]
  at: number
  onMove: (to: number) => void
}) {
  const current = useRef<HTMLTableRowElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another row may be the current one
  useEffect(() => {
    // Braces: some browsers return a promise here, which React would take for a function.
    current.current?.scrollIntoView({ block: 'nearest' })
  }, [at])
  return (
    <table className={css.tree} aria-label="Source systems">
      <thead>
        <tr>
          <th scope="col">Source or object</th>
          <th scope="col">State</th>
          <th scope="col">Last pull</th>
          <th scope="col" className={css.number}>
            Rows
          </th>
          <th scope="col" className={css.number}>
            To apply
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry, n) => (
          <tr
            key={entry.key}
            ref={n === at ? current : undefined}
            data-entry={entry.key}
            data-current={n === at || undefined}
            data-system={entry.object === null || undefined}
            onClick={() => onMove(n)}
          >
            {entry.object === null ? <SystemCells entry={entry} /> : <ObjectCells entry={entry} />}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function SystemCells({ entry: { source, system, objects, target } }: { entry: Entry }) {
  const failed = objects.filter(needsPerson).length
  const waiting = system?.waiting.reduce((sum, w) => sum + w.count, 0) ?? 0
  const problems = [
    ...(system === null ? ['not configured any more'] : []),
    ...(system?.held ? ['held: its mapping has a mistake'] : []),
    ...(failed > 0 ? [`${counted(failed, 'object')} need${failed === 1 ? 's' : ''} a person`] : []),
    ...((system?.exceptions ?? 0) > 0 ? [counted(system?.exceptions ?? 0, 'exception')] : []),
    ...(target ? problemsOfWrites(target) : []),
  ]
  return (
    <>
      <th scope="row">
        <button type="button" className={css.name}>
          <Badge system={source} label />
        </button>
      </th>
      <td>
        {system && <span className={css.small}>{intakeText(system)}</span>}
        {system?.closedUntil && (
          <div>
            <span aria-hidden="true">☾ </span>closed until <Time at={system.closedUntil} />
          </div>
        )}
        {problems.map((p) => (
          <div key={p} className={css.warn}>
            <span aria-hidden="true">⚠ </span>
            {p}
          </div>
        ))}
      </td>
      <td className={css.small}>
        {system?.lastMessageAt ? (
          <>
            message <Time at={system.lastMessageAt} />
          </>
        ) : (
          'no message lately'
        )}
      </td>
      <td className={css.number}>
        {system && (
          <span className={css.small}>{system.messagesOfHour.toLocaleString('en')} in an hour</span>
        )}
      </td>
      <td className={css.number}>{waiting.toLocaleString('en')}</td>
    </>
  )
}

function problemsOfWrites({ waiting, held, code }: Target): string[] {
  const persons = waiting?.totalCount ?? 0
  return [
    ...(persons > 0
      ? [`${counted(persons, 'write')} wait${persons === 1 ? 's' : ''} for a person`]
      : []),
    ...(held !== null ? ['its writes are held by a mistake'] : []),
    ...(code !== null ? [`writes fail: ${codeWords(code)}`] : []),
  ]
}

function ObjectCells({ entry: { object, system } }: { entry: Entry }) {
  if (object === null) return null
  const { glyph, words } = stateText(object)
  const waiting = system?.waiting.find((w) => w.object === object.object)?.count ?? 0
  return (
    <>
      <th scope="row" className={css.object}>
        <button type="button" className={css.name}>
          {object.object}
        </button>
      </th>
      <td>
        <span className={needsPerson(object) ? css.bad : undefined}>
          <span aria-hidden="true">{glyph} </span>
          {words}
        </span>
        {object.requested !== null && <span className={css.small}> · a run is requested</span>}
        {object.code !== null && <div className={css.small}>{codeWords(object.code)}</div>}
      </td>
      <td>{object.successAt === null ? 'never' : <Time at={object.successAt} />}</td>
      <td className={css.number}>
        {object.rows.toLocaleString('en')}
        {object.announced !== null && (
          <span className={css.small}> of {object.announced.toLocaleString('en')}</span>
        )}
      </td>
      <td className={css.number}>{waiting.toLocaleString('en')}</td>
    </>
  )
}
