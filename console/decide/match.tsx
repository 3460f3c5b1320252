import { useEffect, useMemo, useRef, useState } from 'react'
import type { Failure } from '../graph/failure.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { ReasonSelect } from '../parts/reasonSelect.tsx'
import { FailureNote } from '../parts/states.tsx'
import { useRefusal } from '../session/viewer.ts'
import type { Pair } from './ahead.ts'
import { DecisionPreviewDocument } from './decide.generated.ts'
import css from './decide.module.css'
import { merge, notAMatch } from './decisions.ts'
import { type Candidate, fieldRows } from './fields.ts'
import { FieldTable, resultOf } from './fieldTable.tsx'
import { PreviewPane } from './previewPane.tsx'
import { APART_REASONS, MERGE_REASONS } from './reasons.ts'
import { Waterfall } from './waterfall.tsx'

const SHOWN = 'touchstone-weights'

interface MatchProps {
  task: Pair
  left: string | null
  /** Why the task is closed; null while it is open. */
  closed: string | null
  failure: Failure | null
  again: () => void
  onNext: () => void
  onDecided: () => void
}

/** Two or more golden records that may be one thing. */
export function Match({ task, left, closed, failure, again, onNext, onDecided }: MatchProps) {
  const [out, setOut] = useState<ReadonlySet<string>>(new Set())
  const [choices, setChoices] = useState<ReadonlyMap<string, Candidate>>(new Map())
  const [at, setAt] = useState(0)
  const [reasons, setReasons] = useState({ merge: 0, apart: 0 })
  const [view, setView] = useState(() => localStorage.getItem(SHOWN) ?? 'OPEN')
  const subjects = task.subjects.filter((s) => !out.has(s.goldenId))
  const rows = useMemo(() => fieldRows(task.subjects), [task.subjects])
  const input = {
    records: subjects.map((s) => ({ id: s.goldenId, version: s.version })),
    choices: [...choices.values()].map((c) => c.choice),
  }
  const isChanged = choices.size > 0 || out.size > 0
  const chosen = useQuery(DecisionPreviewDocument, isChanged ? { action: { merge: input } } : null)
  // The last preview stays until the next one is there, and no key acts meanwhile.
  const preview = (isChanged ? chosen.data?.previewAction : null) ?? task.mergePreview
  const painted = usePainted(task.id)

  const mayMerge = useRefusal('Mutation.mergeRecords', 'MERGE')
  const mayPart = useRefusal('Mutation.notAMatch', 'NOT_A_MATCH')
  const stopped =
    closed !== null
      ? `The task is closed: ${closed}`
      : subjects.length < 2
        ? 'Leave at least two records in'
        : null
  const stale =
    preview?.__typename === 'ActionConflict' ? 'The records changed: load them again' : null
  const noMerge =
    mayMerge ??
    stopped ??
    stale ??
    (isChanged && (chosen.loading || !chosen.data)
      ? 'The preview of your values is on its way'
      : preview?.__typename === 'ActionRefused'
        ? preview.detail
        : preview === null
          ? 'The preview could not be loaded'
          : null)
  const noPart = mayPart ?? stopped ?? stale
  const title = subjects.map((s) => s.title ?? s.type)

  const decide = (refusal: string | null, act: () => void) => {
    // A key acts on what is painted, and on nothing that comes.
    if (refusal !== null || !painted.current) return
    act()
    onDecided()
  }
  const onMerge = () =>
    decide(noMerge, () =>
      merge(task.id, `Merged ${title.join(' and ')}`, input, MERGE_REASONS[reasons.merge] ?? ''),
    )
  const onApart = () =>
    decide(noPart, () =>
      notAMatch(
        task.id,
        `Not a match: ${title.join(' and ')}`,
        input,
        APART_REASONS[reasons.apart] ?? '',
      ),
    )
  const choose = (n: number, row = rows[at]) => {
    const candidate = row?.candidates[n]
    if (!row || !candidate || mayMerge !== null) return
    const next = new Map(choices)
    if (next.get(row.field)?.text === candidate.text) next.delete(row.field)
    else next.set(row.field, candidate)
    setChoices(next)
  }
  const show = (next: string) => {
    localStorage.setItem(SHOWN, next)
    setView(next)
  }
  useKeys('Decision', [
    { key: 'm', name: 'Merge', run: onMerge },
    { key: 'n', name: 'Not a match', run: onApart },
    { key: 'Space', name: 'Later: go on without a decision', run: onNext },
    {
      key: 'j',
      name: 'Next field',
      run: () => setAt((n) => Math.min(n + 1, rows.length - 1)),
      repeats: true,
    },
    {
      key: 'k',
      name: 'Previous field',
      run: () => setAt((n) => Math.max(n - 1, 0)),
      repeats: true,
    },
    ...Array.from({ length: 9 }, (_, n) => ({
      key: String(n + 1),
      name: `Take value ${n + 1} for the field`,
      run: () => choose(n),
      hidden: n > 2,
    })),
    {
      key: 'r',
      name: 'Next reason for the merge',
      run: () => setReasons((r) => ({ ...r, merge: (r.merge + 1) % MERGE_REASONS.length })),
    },
    {
      key: 'Shift+R',
      name: 'Next reason against it',
      run: () => setReasons((r) => ({ ...r, apart: (r.apart + 1) % APART_REASONS.length })),
    },
    {
      key: 'w',
      name: 'Why: show or hide the weights',
      run: () => show(view === 'OPEN' ? 'CLOSED' : 'OPEN'),
    },
    {
      key: 'b',
      name: 'Blind: decide without weights',
      run: () => show(view === 'BLIND' ? 'OPEN' : 'BLIND'),
    },
  ])

  return (
    <Panes
      title={title.join(' ≈ ')}
      head={
        <>
          <span className={css.kind}>{view === 'BLIND' ? 'blind' : task.reason}</span>
          <span className={css.space} />
          <span role="status">{left}</span>
        </>
      }
      first={
        <div className={css.first} data-task={task.id}>
          {closed !== null && (
            <p className={css.closed} role="status">
              <b>Decided meanwhile:</b> {closed}. Nothing of yours is lost; press space for the next
              task.
            </p>
          )}
          {failure && preview !== null && <FailureNote failure={failure} again={again} />}
          <FieldTable
            subjects={task.subjects}
            out={out}
            rows={rows}
            at={at}
            choices={choices}
            preview={preview}
            onAt={setAt}
            onChoose={choose}
            onLeaveOut={(id) => {
              const next = new Set(out)
              if (!next.delete(id)) next.add(id)
              setOut(next)
            }}
          />
          {view !== 'BLIND' && (
            <Waterfall
              explanation={task.explanation}
              open={view === 'OPEN'}
              onToggle={() => show(view === 'OPEN' ? 'CLOSED' : 'OPEN')}
            />
          )}
        </div>
      }
      second={
        <PreviewPane
          task={task}
          subjects={subjects}
          preview={preview}
          failure={chosen.failure ?? (preview === null ? failure : null)}
          again={isChanged && !stale ? chosen.again : again}
          buttons={
            <>
              <Button kind="MAIN" keyHint="m" refusal={noMerge} onPress={onMerge}>
                Merge {subjects.length} into {mergedName(preview) ?? title[0]}
              </Button>
              <ReasonSelect
                label="Reason for the merge"
                list={MERGE_REASONS}
                at={reasons.merge}
                onAt={(n) => setReasons({ ...reasons, merge: n })}
              />
              <Button keyHint="n" refusal={noPart} onPress={onApart}>
                Not a match
              </Button>
              <ReasonSelect
                label="Reason against it"
                list={APART_REASONS}
                at={reasons.apart}
                onAt={(n) => setReasons({ ...reasons, apart: n })}
              />
              <Button kind="QUIET" keyHint="Space" onPress={onNext}>
                Later
              </Button>
            </>
          }
        />
      }
      secondTitle="Preview of the merge"
    />
  )
}

/** The name that the merged record would have. */
function mergedName(preview: Pair['mergePreview']): string | null {
  const { name } = (resultOf(preview)?.after ?? {}) as { name?: unknown }
  return typeof name === 'string' ? name : null
}

/** True once the pair was painted. */
function usePainted(id: string) {
  const painted = useRef(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each pair is painted for itself
  useEffect(() => {
    painted.current = false
    const frame = requestAnimationFrame(() => {
      painted.current = true
    })
    return () => cancelAnimationFrame(frame)
  }, [id])
  return painted
}
