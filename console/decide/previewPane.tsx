import type { ReactNode } from 'react'
import type { Failure } from '../graph/failure.ts'
import { Button } from '../parts/button.tsx'
import { FailureNote, Skeleton } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted, fieldWords, roundMoneyText } from '../parts/valueText.ts'
import { useViewer } from '../session/viewer.ts'
import type { Pair } from './ahead.ts'
import { resultOf } from './fieldTable.tsx'
import css from './previewPane.module.css'

const APPROVAL: Record<string, string> = {
  FIELD: 'it changes a field that needs a second person',
  MERGE_VALUE: 'the records are of high value',
  BULK: 'it is many actions at once',
  PUBLISH: 'it publishes a policy',
  REQUESTED: 'its author asked for one',
  AGENT: 'an agent prepared it',
}

/** What the merge would do: always in sight, and never a dialog. */
export function PreviewPane({
  task,
  subjects,
  preview,
  failure,
  again,
  buttons,
}: {
  task: Pair
  subjects: Pair['subjects']
  preview: Pair['mergePreview']
  failure: Failure | null
  again: () => void
  buttons: ReactNode
}) {
  const { valueCurrency } = useViewer()
  return (
    <div className={css.whole}>
      <div className={css.buttons}>{buttons}</div>
      {failure && <FailureNote failure={failure} again={again} />}
      {preview?.__typename === 'ActionConflict' && (
        <div className={css.note} role="alert">
          <p>
            <b>The records changed since they were loaded.</b> Nothing was done.
          </p>
          <Button onPress={again}>Load them again</Button>
        </div>
      )}
      {preview?.__typename === 'ActionRefused' && (
        <p className={css.note} role="alert">
          <b>They cannot be merged:</b> {preview.detail}
        </p>
      )}
      {preview === null && !failure && <Skeleton rows={5} />}
      {preview?.__typename === 'ActionPreview' && <Effects preview={preview} subjects={subjects} />}
      <dl className={css.facts}>
        <dt>At stake</dt>
        <dd>{roundMoneyText(task.stake, valueCurrency)}</dd>
        <dt>Due</dt>
        <dd>
          <Time at={task.dueAt} />
        </dd>
        <dt>Assigned to</dt>
        <dd>{task.assignee ?? 'nobody'}</dd>
      </dl>
      {(task.explanation?.assertions.length ?? 0) > 0 && (
        <section>
          <h2 className={css.sub}>Stewards said before</h2>
          {task.explanation?.assertions.map((a) => (
            <p key={`${a.actor} ${a.at}`}>
              {a.actor}: {codeWords(a.kind)}, “{a.reason}”, <Time at={a.at} />
            </p>
          ))}
        </section>
      )}
    </div>
  )
}

function Effects({
  preview,
  subjects,
}: {
  preview: Extract<Pair['mergePreview'], { __typename: 'ActionPreview' }>
  subjects: Pair['subjects']
}) {
  const result = resultOf(preview)
  const nameOf = (id: string) => subjects.find((s) => s.goldenId === id)?.title ?? short(id)
  const closing = preview.tasks.filter((t) => !t.opens).length
  const opening = preview.tasks.filter((t) => t.opens).length
  return (
    <section className={css.effects}>
      <h2 className={css.sub}>What the merge does</h2>
      <ul>
        {result && (
          <li>
            <b>{nameOf(result.goldenId)}</b> keeps its id <code>{short(result.goldenId)}</code>,
            with {counted(result.sources.length, 'source record')}
          </li>
        )}
        {preview.records
          .filter((r) => r.redirect !== null)
          .map((r) => (
            <li key={r.goldenId}>
              <code>{short(r.goldenId)}</code> ({nameOf(r.goldenId)}) leads to it from then on
            </li>
          ))}
        {[...Map.groupBy(preview.children, (c) => c.from)].map(([from, moved]) => (
          <li key={from}>
            From {nameOf(from)} move{' '}
            {moved.map((c) => counted(c.count, fieldWords(c.type))).join(', ')}
          </li>
        ))}
        <li>
          {counted(preview.records.length, 'event')}:{' '}
          {preview.records.map((r) => r.op.toLowerCase()).join(', ')}
        </li>
        {closing > 0 && (
          <li>
            {counted(closing, 'task')} {closing === 1 ? 'closes' : 'close'}
          </li>
        )}
        {opening > 0 && (
          <li>
            {counted(opening, 'task')} {opening === 1 ? 'opens' : 'open'}
          </li>
        )}
      </ul>
      {preview.approval.length > 0 ? (
        <p className={css.note}>
          <b>Needs a second person,</b> because{' '}
          {preview.approval.map((r) => APPROVAL[r] ?? r).join(' and ')}. Merge proposes it.
        </p>
      ) : null}
      <p className={css.small}>
        Automation does not overturn your decision, whatever it is. It stands until a person undoes
        it.
      </p>
    </section>
  )
}

function short(id: string): string {
  return id.slice(0, 8)
}
