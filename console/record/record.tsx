import { useParams } from '@tanstack/react-router'
import { useEffect, useMemo } from 'react'
import { useUrlState } from '../app/urlState.ts'
import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { Empty, FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { fieldWords } from '../parts/valueText.ts'
import { useRefusal } from '../session/viewer.ts'
import { Attached } from './attached.tsx'
import { Family } from './family.tsx'
import { Fields } from './fields.tsx'
import { referencesIn } from './fieldValue.tsx'
import { Head } from './head.tsx'
import { History, presentId } from './history.tsx'
import css from './record.module.css'
import { Side } from './side.tsx'
import { Sources } from './sources.tsx'
import { type Act, recordState, TABS, type Tab } from './state.ts'
import { TimeSlider } from './timeSlider.tsx'
import { type ShownRecord, useRecord } from './useRecord.ts'
import { Work } from './work.tsx'

const TAB_NAMES: Record<Tab, string> = {
  values: 'Values',
  sources: 'Sources',
  history: 'History',
  family: 'Hierarchy',
  attached: 'Attached',
  work: 'Tasks',
}

export function Screen() {
  const { id } = useParams({ strict: false }) as { id: string }
  const [state] = useUrlState(recordState)
  const { shown, failure, loading, slow, again, missing, other } = useRecord(id, state.asOf)
  if (shown)
    return (
      <>
        {failure && <FailureNote failure={failure} again={again} />}
        <SlowNote slow={slow} />
        <Whole key={presentId(shown.record.id)} requested={id} shown={shown} />
      </>
    )
  return (
    <Panes
      title="Golden record"
      first={
        failure ? (
          <FailureNote failure={failure} again={again} />
        ) : other ? (
          <Empty title={`This is a ${other}, not a golden record`} />
        ) : missing ? (
          <Empty title={state.asOf ? 'It did not exist at this moment' : 'There is no such record'}>
            <p>
              {state.asOf
                ? 'Take the moment out of the address to see it now.'
                : 'Press / to search by a name or an id.'}
            </p>
          </Empty>
        ) : loading ? (
          <Skeleton rows={14} slow={slow} />
        ) : null
      }
    />
  )
}

function Whole({ requested, shown }: { requested: string; shown: ShownRecord }) {
  const [state, change] = useUrlState(recordState)
  const { record, type, operations } = shown
  const isPast = state.asOf !== undefined
  const refusals = useRefusals(shown, isPast)
  const losers = useQuery(
    operations.losers,
    state.tab === 'values' && !isPast && !record.tombstone ? { id: record.id } : null,
  )
  const lost = isPast ? [] : (losers.data?.node?.provenance ?? [])
  const titles = useTitles(
    useMemo(
      () => [
        ...record.provenance.flatMap((p) => referencesIn(type.fields, p.field, p.value)),
        ...lost.flatMap((p) =>
          p.candidates.nodes.flatMap((c) => referencesIn(type.fields, p.field, c.value)),
        ),
      ],
      [record, type, lost],
    ),
  )
  const at = Math.max(
    0,
    type.fields.findIndex((f) => f.name === state.field),
  )
  const field = type.fields[at]
  const isStated = record.provenance.some((p) => p.field === field?.name && p.rule === 'STEWARD')
  const move = (to: number) => {
    const next = type.fields[Math.max(0, Math.min(to, type.fields.length - 1))]
    if (next) change({ field: next.name, act: undefined })
  }
  useEffect(() => {
    if (state.field)
      document.getElementById(`field-${state.field}`)?.scrollIntoView({ block: 'nearest' })
  }, [state.field])
  const prepare = (act: Act) => () => refusals[act] === null && change({ act, field: field?.name })
  const close = () => change({ act: undefined, with: undefined, pick: undefined })
  const pick = (key: string) => {
    const now = state.pick ?? []
    const next = now.includes(key) ? now.filter((k) => k !== key) : [...now, key]
    change({ pick: next.length > 0 ? next : undefined, act: next.length > 0 ? 'split' : undefined })
  }
  const onTab = (tab: Tab) => change({ tab })
  const inValues = state.tab === 'values'
  useKeys('Golden record', [
    ...TABS.map((tab, n) => ({ key: String(n + 1), name: TAB_NAMES[tab], run: () => onTab(tab) })),
    { key: 'j', name: 'Next field', run: () => inValues && move(at + 1) },
    { key: 'k', name: 'Previous field', run: () => inValues && move(at - 1) },
    { key: 'o', name: 'State a value of the field', run: prepare('override') },
    { key: 'l', name: 'Lift the stated value', run: () => isStated && prepare('lift')() },
    {
      key: 'p',
      name: 'Split the record',
      run: () => refusals.split === null && change({ tab: 'sources', act: 'split' }),
    },
    { key: 'm', name: 'Merge with another record', run: prepare('merge') },
    { key: 'Escape', name: 'Leave what is prepared', run: close },
  ])
  return (
    <Panes
      title={nameOf(shown)}
      head={
        <Head
          requested={requested}
          shown={shown}
          asOf={state.asOf}
          refusals={refusals}
          onMerge={prepare('merge')}
          onSplit={() => change({ tab: 'sources', act: 'split' })}
          onRetire={prepare(record.tombstone ? 'restore' : 'retire')}
        />
      }
      first={
        <>
          <div className={css.tabs} role="group" aria-label="Parts of the record">
            {TABS.map((tab, n) => (
              <Button
                key={tab}
                kind="QUIET"
                keyHint={String(n + 1)}
                pressed={tab === state.tab}
                onPress={() => onTab(tab)}
              >
                {TAB_NAMES[tab]}
              </Button>
            ))}
          </div>
          {['values', 'sources'].includes(state.tab) && (
            <TimeSlider shown={shown} asOf={state.asOf} onMove={(asOf) => change({ asOf })} />
          )}
          {state.tab === 'values' && losers.failure && (
            <FailureNote failure={losers.failure} again={losers.again} />
          )}
          {state.tab === 'values' && (
            <Fields
              shown={shown}
              losers={lost}
              titles={titles}
              at={field?.name}
              onMove={(name) => change({ field: name, act: undefined })}
            />
          )}
          {state.tab === 'sources' && (
            <Sources
              shown={shown}
              pick={state.pick ?? []}
              refusal={refusals.split}
              onPick={pick}
              onSplit={() => change({ act: 'split' })}
            />
          )}
          {state.tab === 'history' && <History shown={shown} state={state} change={change} />}
          {state.tab === 'family' && <Family shown={shown} />}
          {state.tab === 'attached' && (
            <Attached shown={shown} list={state.list} onOpen={(list) => change({ list })} />
          )}
          {state.tab === 'work' && <Work shown={shown} />}
        </>
      }
      second={
        field && (
          <Side
            shown={shown}
            state={state}
            change={change}
            field={field}
            losers={lost.find((l) => l.field === field.name)}
            titles={titles}
            refusals={refusals}
            onClose={close}
          />
        )
      }
      secondTitle={
        state.act ? 'What is prepared' : `Origin of the ${fieldWords(field?.name ?? 'value')}`
      }
    />
  )
}

/** A name that is not for everybody is selected with its origin only. */
function nameOf({ record, type }: ShownRecord): string {
  const stated = record.provenance.find((p) => p.field === type.title)?.value
  return record.title ?? (typeof stated === 'string' ? stated : `${type.name} without a name`)
}

/** Why each action cannot be done now; null if it can. */
function useRefusals(shown: ShownRecord, isPast: boolean): Record<Act, string | null> {
  const { record } = shown
  const past = isPast ? 'This is the past. Go back to now to change the record' : null
  const ended = record.tombstone ? 'The record has ended' : null
  const retired = record.tombstone?.reason === 'RETIRED'
  const rights = {
    override: useRefusal('Mutation.overrideField', 'OVERRIDE'),
    lift: useRefusal('Mutation.liftOverride', 'LIFT'),
    split: useRefusal('Mutation.splitRecord', 'SPLIT'),
    merge: useRefusal('Mutation.mergeRecords', 'MERGE'),
    retire: useRefusal('Mutation.retireRecord', 'RETIRE'),
    restore: useRefusal('Mutation.restoreRecord', 'RESTORE'),
  }
  return {
    override: rights.override ?? past ?? ended,
    lift: rights.lift ?? past ?? ended,
    split: rights.split ?? past ?? ended,
    merge: rights.merge ?? past ?? ended,
    retire: rights.retire ?? past ?? ended,
    restore:
      rights.restore ??
      past ??
      (retired ? null : 'Only a record that a steward retired can be restored'),
  }
}
