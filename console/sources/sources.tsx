import { useState } from 'react'
import { useUrlState } from '../app/urlState.ts'
import { useQuery } from '../graph/useQuery.ts'
import { useRefresh } from '../graph/useRefresh.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { Empty, FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { counted } from '../parts/valueText.ts'
import { useRefusal } from '../session/viewer.ts'
import type { SyncAct } from './acts.ts'
import { ACTS, ControlForm, Controls, refusalOf } from './control.tsx'
import { entriesOf, needsPerson, sourcesState } from './entries.ts'
import { ObjectFacts } from './objectFacts.tsx'
import { Runs } from './runs.tsx'
import { SourcesListDocument } from './sources.generated.ts'
import css from './sources.module.css'
import { SystemFacts } from './systemFacts.tsx'
import { SourceTree } from './tree.tsx'
import { Writes } from './writes.tsx'

const PARTS = [
  [undefined, 'State', '1'],
  ['runs', 'Runs', '2'],
  ['writes', 'Writes', '3'],
] as const

export function Screen() {
  const [state, change] = useUrlState(sourcesState)
  const list = useQuery(SourcesListDocument, {})
  useRefresh(list.again)
  const [act, setAct] = useState<SyncAct | null>(null)
  const refusal = useRefusal('Mutation.pauseSync', 'EXCEPTIONS')
  const entries = list.data ? entriesOf(list.data) : []
  const at = Math.max(
    0,
    entries.findIndex((e) => e.key === state.at),
  )
  const entry = entries[at]
  const close = () => setAct(null)
  const move = (to: number) => {
    const row = entries[Math.max(0, Math.min(to, entries.length - 1))]
    if (!row) return
    close()
    change({ at: row.key, write: undefined })
  }
  const prepare = (name: SyncAct) =>
    entry && refusalOf(name, entry, refusal) === null && setAct(name)
  const show = (part: (typeof PARTS)[number][0]) => change({ part })

  useKeys('Sources', [
    { key: 'j', repeats: true, name: 'Next source or object', run: () => move(at + 1) },
    { key: 'k', repeats: true, name: 'Previous source or object', run: () => move(at - 1) },
    { key: 'ArrowDown', repeats: true, name: 'Next', run: () => move(at + 1), hidden: true },
    { key: 'ArrowUp', repeats: true, name: 'Previous', run: () => move(at - 1), hidden: true },
    ...ACTS.map((a) => ({ key: a.key, name: a.verb, run: () => void prepare(a.act) })),
    ...PARTS.map(([part, name, key]) => ({ key, name: `Show ${name}`, run: () => show(part) })),
    { key: 'Escape', name: 'Leave what is prepared', run: close },
  ])

  const pulled = list.data?.connections
  const troubled = (pulled?.nodes ?? []).filter(needsPerson).length
  return (
    <Panes
      title="Sources"
      even
      head={
        <span role="status">
          {list.data && counted(entries.filter((e) => !e.object).length, 'source system')}
          {pulled && ` · ${counted(pulled.totalCount, 'object')} pulled`}
          {troubled > 0 && ` · ⚠ ${troubled} need${troubled === 1 ? 's' : ''} a person`}
        </span>
      }
      first={
        <>
          {list.failure && <FailureNote failure={list.failure} again={list.again} />}
          {list.data && <SlowNote slow={list.slow} />}
          {!list.data && list.loading && <Skeleton rows={14} slow={list.slow} />}
          {entries.length > 0 && <SourceTree entries={entries} at={at} onMove={move} />}
          {pulled && pulled.totalCount > pulled.nodes.length && (
            <p className={css.small}>
              The first {pulled.nodes.length} of {counted(pulled.totalCount, 'object')} are shown.
            </p>
          )}
          {list.data && !list.failure && entries.length === 0 && (
            <Empty title="No source system is to be seen">
              <p>
                config/sources.yaml names the systems; npx touchstone connect adds one. A caller
                with row rights sees none.
              </p>
            </Empty>
          )}
        </>
      }
      second={
        entry ? (
          <div className={css.whole}>
            <div className={css.head}>
              <h2>{entry.key}</h2>
              <Controls entry={entry} refusal={refusal} prepare={prepare} />
            </div>
            {act && (
              <ControlForm
                key={`${entry.key} ${act}`}
                act={act}
                entry={entry}
                refusal={refusal}
                onClose={close}
                onDone={list.again}
              />
            )}
            <div role="group" aria-label="Parts" className={css.states}>
              {PARTS.map(([part, name, key]) => (
                <Button
                  key={name}
                  kind="QUIET"
                  keyHint={key}
                  pressed={state.part === part}
                  onPress={() => show(part)}
                >
                  {name}
                </Button>
              ))}
            </div>
            {state.part === undefined &&
              (entry.object ? (
                <ObjectFacts o={entry.object} system={entry.system} />
              ) : (
                <SystemFacts entry={entry} />
              ))}
            {state.part === 'runs' && <Runs entry={entry} />}
            {state.part === 'writes' && (
              <Writes
                entry={entry}
                state={state.write}
                refusal={refusal}
                onState={(write) => change({ write })}
                onDone={list.again}
              />
            )}
          </div>
        ) : (
          <Empty title="No source is selected" />
        )
      }
      secondTitle="Source"
    />
  )
}
