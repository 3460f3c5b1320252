import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Time } from '../parts/time.tsx'
import { codeWords } from '../parts/valueText.ts'
import type { Pair } from './ahead.ts'
import css from './decide.module.css'

/** A task that is not about a match, or whose records are one by now. */
export function OtherTask({ task, onNext }: { task: Pair; onNext: () => void }) {
  useKeys('Task', [{ key: 'Space', name: 'Next task', run: onNext }])
  return (
    <div className={css.other}>
      <h2>{codeWords(task.kind)}</h2>
      <p>{task.reason}</p>
      {!task.open && task.closedAt && (
        <p>
          Closed <Time at={task.closedAt} />: {task.closedBecause}
        </p>
      )}
      <ul>
        {task.subjects.map((s) => (
          <li key={s.goldenId}>
            {s.title ?? s.type} <code>{s.goldenId}</code>
          </li>
        ))}
      </ul>
      <Button keyHint="Space" onPress={onNext}>
        Next task
      </Button>
    </div>
  )
}
