import { Link } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { mutate } from '../graph/client.ts'
import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { Changes, EffectOf } from '../parts/effect.tsx'
import { useKeys } from '../parts/keys.ts'
import { ReasonSelect } from '../parts/reasonSelect.tsx'
import { Empty, FailureNote, Skeleton } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { toastDone, toastFailed } from '../parts/toasts.tsx'
import { codeWords, roundMoneyText } from '../parts/valueText.ts'
import { useRefusal, useViewer } from '../session/viewer.ts'
import {
  ActionShownDocument,
  type ActionShownQuery,
  ActionUndoDocument,
  ActionUndoPreviewDocument,
} from './actions.generated.ts'
import css from './actions.module.css'

type Shown = NonNullable<ActionShownQuery['stewardAction']>
const UNDO_REASONS = ['It was wrong', 'Done by mistake', 'The sources changed since'] as const

/** What an action did, and its undo with a preview. Mounted again for each action. */
export function ActionPane({ id, changed }: { id: string; changed: () => void }) {
  const { data, failure, loading, slow, again } = useQuery(ActionShownDocument, { id })
  const action = data?.stewardAction
  const [undoing, setUndoing] = useState(false)
  const refusal = useUndoRefusal(action ?? null)
  useKeys('Action', [
    {
      key: 'u',
      name: 'Preview the undo of the action',
      run: () => refusal === null && setUndoing(true),
    },
  ])
  if (!action)
    return failure ? (
      <FailureNote failure={failure} again={again} />
    ) : loading ? (
      <Skeleton rows={8} slow={slow} />
    ) : (
      <Empty title="There is no such action">
        <p>The address may be of another installation.</p>
      </Empty>
    )
  return (
    <div className={css.pane} data-action={action.id}>
      {failure && <FailureNote failure={failure} again={again} />}
      <h2>{codeWords(action.kind)}</h2>
      <p className={css.reason}>“{action.reason}”</p>
      {undoing ? (
        <Undo
          action={action}
          onClose={() => setUndoing(false)}
          onDone={() => {
            setUndoing(false)
            again()
            changed()
          }}
        />
      ) : (
        <div className={css.buttons}>
          <Button keyHint="u" refusal={refusal} onPress={() => setUndoing(true)}>
            Undo …
          </Button>
          {refusal !== null && <p className={css.small}>Undo: {refusal}</p>}
        </div>
      )}
      <Done action={action} />
      <Facts action={action} />
    </div>
  )
}

function useUndoRefusal(action: Shown | null): string | null {
  const mayUndo = useRefusal('Mutation.undoAction', 'UNDO')
  if (!action) return 'No action is shown'
  if (action.state === 'PROPOSED') return 'It waits for an approval, and did nothing yet'
  if (action.state !== 'DONE')
    return action.state === 'UNDONE' ? 'It is undone already' : 'It did nothing'
  if (action.kind === 'UNDO') return 'An undo is not undone: do the action again'
  return mayUndo
}

function Undo({
  action,
  onClose,
  onDone,
}: {
  action: Shown
  onClose: () => void
  onDone: () => void
}) {
  const { data, failure, loading, slow, again } = useQuery(ActionUndoPreviewDocument, {
    id: action.id,
  })
  const preview = data?.previewAction
  const [reason, setReason] = useState(0)
  // The same key when it is pressed again after a lost response: the undo runs once.
  const key = useRef(crypto.randomUUID())
  const busy = useRef(false)
  const refusal =
    preview?.__typename === 'ActionPreview'
      ? null
      : preview?.__typename === 'ActionRefused'
        ? preview.detail
        : loading
          ? 'The preview is on its way'
          : 'The preview could not be loaded'
  const run = async () => {
    if (refusal !== null || busy.current) return
    busy.current = true
    const outcome = await mutate(ActionUndoDocument, {
      ...{ id: action.id, reason: UNDO_REASONS[reason] ?? '', key: key.current },
    })
    busy.current = false
    const result = outcome.data?.result
    const name = `${codeWords(action.kind)} of ${action.actor}`
    if (result?.__typename === 'ActionDone') toastDone(`Undone: ${name}`)
    else if (result?.__typename === 'ApprovalNeeded')
      toastDone(`The undo waits for a second person: ${name}. Nothing has changed yet.`)
    else
      return toastFailed(
        `Not undone: ${name}. Nothing was changed, because ${
          result?.__typename === 'ActionRefused'
            ? result.detail
            : (outcome.failure?.message ?? 'the records changed since')
        }`,
      )
    onDone()
  }
  useKeys('Undo', [
    { key: 'Enter', name: 'Undo the action', run: () => void run() },
    { key: 'Escape', name: 'Leave it as it is', run: onClose },
    { key: 'r', name: 'Next reason', run: () => setReason((n) => (n + 1) % UNDO_REASONS.length) },
  ])
  return (
    <section className={css.undo} aria-label="Undo">
      <div className={css.buttons}>
        <Button kind="MAIN" keyHint="Enter" refusal={refusal} onPress={() => void run()}>
          Undo the {codeWords(action.kind)}
        </Button>
        <ReasonSelect label="Reason of the undo" list={UNDO_REASONS} at={reason} onAt={setReason} />
        <Button kind="QUIET" keyHint="Escape" onPress={onClose}>
          Leave it
        </Button>
      </div>
      {failure && <FailureNote failure={failure} again={again} />}
      {!preview && loading && <Skeleton rows={4} slow={slow} />}
      {preview?.__typename === 'ActionRefused' && (
        <p className={css.stop} role="alert">
          <b>It cannot be undone now:</b> {preview.detail}
          {preview.inTheWay && (
            <>
              {' '}
              <Link to="/actions" search={{ at: preview.inTheWay.id } as never}>
                Open the {codeWords(preview.inTheWay.kind)} of {preview.inTheWay.actor}
              </Link>
            </>
          )}
        </p>
      )}
      {preview?.__typename === 'ActionPreview' && (
        <>
          <h3>What the undo would do</h3>
          {preview.approval.length > 0 && (
            <p className={css.stop}>A second person has to approve the undo: it is proposed.</p>
          )}
          <EffectOf effect={preview} />
        </>
      )}
    </section>
  )
}

/** The new versions that an action made, and what each changed. */
function Done({ action }: { action: Shown }) {
  const shown = action.effect.slice(0, shownMax)
  const titles = useTitles(shown.map((e) => e.goldenId))
  return (
    <section className={css.done} aria-label="What it did">
      <h3>What it did</h3>
      {action.effect.length === 0 && <p>No version of a golden record is of it.</p>}
      {shown.map((e) => (
        <div key={`${e.goldenId} ${e.version}`} className={css.effect}>
          <Link to="/record/$id" params={{ id: e.goldenId } as never}>
            {titles.get(e.goldenId)?.title ?? e.goldenId.slice(0, 8)}
          </Link>
          <span className={css.small}>
            {codeWords(e.op)}, version {e.version}
          </span>
          <Changes changes={e.changes} />
        </div>
      ))}
      {action.effect.length > shown.length && (
        <p className={css.small}>and {action.effect.length - shown.length} more</p>
      )}
    </section>
  )
}
/** Records of one action that are listed; a bulk action may have more. */
const shownMax = 30

function Facts({ action }: { action: Shown }) {
  const { valueCurrency } = useViewer()
  return (
    <dl className={css.facts}>
      <dt>Who</dt>
      <dd>
        {action.actor}
        {action.agent && `, by the agent ${action.agent}`}
      </dd>
      <dt>State</dt>
      <dd>
        {codeWords(action.state)}
        {action.decidedBy && `, decided by ${action.decidedBy}, “${action.decision ?? ''}”`}
      </dd>
      <dt>Requested</dt>
      <dd>
        <Time at={action.proposedAt} />
      </dd>
      {action.stake > 0 && (
        <>
          <dt>At stake</dt>
          <dd>{roundMoneyText(action.stake, valueCurrency)}</dd>
        </>
      )}
      {action.undoes && (
        <>
          <dt>Undoes</dt>
          <dd>
            <Link to="/actions" search={{ at: action.undoes.id } as never}>
              {codeWords(action.undoes.kind)} of {action.undoes.actor}
            </Link>
          </dd>
        </>
      )}
      {action.state === 'PROPOSED' && (
        <>
          <dt>Decide</dt>
          <dd>
            <Link to="/approvals" search={{ at: action.id } as never}>
              Open it in Approvals
            </Link>
          </dd>
        </>
      )}
      <dt>Correlation id</dt>
      <dd>
        <code>{action.correlationId}</code>
      </dd>
    </dl>
  )
}
