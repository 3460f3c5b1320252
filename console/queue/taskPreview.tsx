import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted, roundMoneyText } from '../parts/valueText.ts'
import { useViewer } from '../session/viewer.ts'
import css from './taskPreview.module.css'
import type { TaskRow } from './useTasks.ts'

/** What a task is about, without opening it. */
export function TaskPreview({ task, onOpen }: { task: TaskRow; onOpen: () => void }) {
  const { valueCurrency } = useViewer()
  return (
    <div className={css.whole}>
      <h2>{codeWords(task.kind)}</h2>
      <p className={css.reason}>{task.reason}</p>
      {task.subjects.map((s) => (
        <div key={s.goldenId} className={css.subject}>
          <b>{s.title ?? `${s.type} without a name`}</b>
          <span className={css.small}>
            {s.type}, {counted(s.memberCount, 'source record')}
          </span>
          <span className={css.systems}>
            {s.members.map((m, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: several records of one system
              <Badge key={n} system={m.system} label />
            ))}
          </span>
        </div>
      ))}
      <dl className={css.facts}>
        <dt>At stake</dt>
        <dd>{roundMoneyText(task.stake, valueCurrency)}</dd>
        {task.weight !== null && (
          <>
            <dt>Match weight</dt>
            <dd>{task.weight.toFixed(1)} bits</dd>
          </>
        )}
        <dt>Due</dt>
        <dd>
          <Time at={task.dueAt} />
          {task.escalated && ' · was late and moved up'}
        </dd>
        <dt>Opened</dt>
        <dd>
          <Time at={task.createdAt} />
        </dd>
        <dt>Assigned to</dt>
        <dd>{task.assignee ?? 'nobody'}</dd>
        {task.owner && (
          <>
            <dt>Owner</dt>
            <dd>{task.owner}</dd>
          </>
        )}
        {task.deferredUntil && (
          <>
            <dt>Deferred until</dt>
            <dd>
              <Time at={task.deferredUntil} />
            </dd>
          </>
        )}
      </dl>
      <Button kind="MAIN" keyHint="Enter" onPress={onOpen}>
        Open
      </Button>
    </div>
  )
}
