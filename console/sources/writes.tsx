import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { useRefresh } from '../graph/useRefresh.ts'
import { Button } from '../parts/button.tsx'
import { ReasonForm } from '../parts/reasonForm.tsx'
import { Empty, FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { codeWords, counted } from '../parts/valueText.ts'
import { actOnWrites, type WriteAct } from './acts.ts'
import type { Entry } from './entries.ts'
import { SourceWritesDocument } from './sources.generated.ts'
import css from './sources.module.css'
import { Write } from './write.tsx'

/** The states that an act is about, with the words of the act. */
const ACTS: Record<WriteAct, { states: readonly string[]; verb: string; reasons: string[] }> = {
  APPROVE: {
    states: ['WAITING_APPROVAL', 'HELD'],
    verb: 'Approve',
    reasons: ['The values were checked', 'Agreed with the owner of the system'],
  },
  HOLD: {
    states: ['PLANNED'],
    verb: 'Hold',
    reasons: ['Maintenance of the source system', 'The values are to be checked first'],
  },
  RELEASE: {
    states: ['HELD', 'REFUSED'],
    verb: 'Release',
    reasons: ['The cause is gone', 'The values were checked'],
  },
}

/** The writes to a source system, or to one of its objects, by state. */
export function Writes({
  entry,
  state,
  refusal,
  onState,
  onDone,
}: {
  entry: Entry
  state: string | undefined
  refusal: string | null
  onState: (state: string | undefined) => void
  onDone: () => void
}) {
  const [act, setAct] = useState<{ act: WriteAct; ids: string[] | null } | null>(null)
  const { data, failure, loading, slow, again } = useQuery(SourceWritesDocument, {
    filter: {
      sources: [entry.source],
      ...(entry.object ? { objects: [entry.object.object] } : {}),
      ...(state === undefined ? {} : { states: [state as 'PLANNED'] }),
    },
  })
  useRefresh(again)
  const writes = data?.writeIntents
  const titles = useTitles((writes?.nodes ?? []).map((w) => w.goldenId))
  const counts = entry.target?.counts ?? []
  const countOf = (of: WriteAct) =>
    counts.filter((c) => ACTS[of].states.includes(c.state)).reduce((n, c) => n + c.count, 0)
  return (
    <>
      <div role="group" aria-label="State of writes" className={css.states}>
        {counts.map((c) => (
          <button
            key={c.state}
            type="button"
            className={css.state}
            aria-pressed={state === c.state}
            onClick={() => onState(state === c.state ? undefined : c.state)}
          >
            {codeWords(c.state)} {c.count.toLocaleString('en')}
          </button>
        ))}
      </div>
      <div className={css.line}>
        {(Object.keys(ACTS) as WriteAct[]).map((name) => (
          <Button
            key={name}
            refusal={
              refusal ??
              (countOf(name) === 0
                ? `No write of ${entry.source} is ${ACTS[name].states.map(codeWords).join(' or ')}`
                : null)
            }
            onPress={() => setAct({ act: name, ids: null })}
          >
            {ACTS[name].verb} all {countOf(name) > 0 ? countOf(name).toLocaleString('en') : ''}
          </Button>
        ))}
      </div>
      {act && (
        <ReasonForm
          key={`${act.act} ${act.ids}`}
          title={`${ACTS[act.act].verb} ${counted(act.ids?.length ?? countOf(act.act), 'write')} to ${entry.source}`}
          consequence={<p>{consequenceOf(act.act, entry.source)}</p>}
          verb={`${ACTS[act.act].verb} ${counted(act.ids?.length ?? countOf(act.act), 'write')}`}
          reasons={ACTS[act.act].reasons}
          send={async (reason, key) => {
            const isDone = await actOnWrites(act.act, entry.source, act.ids, reason, key)
            if (isDone) {
              again()
              onDone()
            }
            return isDone
          }}
          onClose={() => setAct(null)}
        />
      )}
      {failure && <FailureNote failure={failure} again={again} />}
      {!writes && loading && <Skeleton rows={8} slow={slow} />}
      {writes && <SlowNote slow={slow} />}
      {writes?.nodes.length === 0 && (
        <Empty
          title={state === undefined ? 'Nothing is written to it' : 'No write is in this state'}
        >
          <p>
            Differences to the golden records are planned here where config/sources.yaml has write:
            for the system.
          </p>
        </Empty>
      )}
      <ul className={css.writes}>
        {(writes?.nodes ?? []).map((w) => (
          <Write
            key={w.id}
            write={w}
            title={titles.get(w.goldenId)?.title ?? null}
            link={(text) => (
              <Link to="/record/$id" params={{ id: w.goldenId } as never}>
                {text}
              </Link>
            )}
            actions={(Object.keys(ACTS) as WriteAct[])
              .filter((name) => ACTS[name].states.includes(w.state))
              .map((name) => (
                <Button
                  key={name}
                  kind="QUIET"
                  refusal={refusal}
                  label={`${ACTS[name].verb} write ${w.id}`}
                  onPress={() => setAct({ act: name, ids: [w.id] })}
                >
                  {ACTS[name].verb}
                </Button>
              ))}
          />
        ))}
      </ul>
      {writes && writes.totalCount > writes.nodes.length && (
        <p className={css.small}>
          The latest {writes.nodes.length} of {counted(writes.totalCount, 'write')} are shown.
        </p>
      )}
    </>
  )
}

function consequenceOf(act: WriteAct, source: string): string {
  switch (act) {
    case 'APPROVE':
      return `They are sent to ${source}, and change its records. What was sent cannot be taken back here.`
    case 'HOLD':
      return `Planned writes stay here until somebody releases or approves them. Records of ${source} stay as they are; after a day a task asks for them.`
    case 'RELEASE':
      return `Held writes are sent to ${source}. Refused ones are planned again by the present golden values.`
  }
}
