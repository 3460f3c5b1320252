import { useId, useState } from 'react'
import { Empty, FailureNote, Skeleton } from '../parts/states.tsx'
import { Finder } from '../search/finder.tsx'
import { ActForm } from './actForm.tsx'
import css from './record.module.css'
import { type ShownRecord, useRecord } from './useRecord.ts'

interface MergeFormProps {
  shown: ShownRecord
  with: string | undefined
  refusal: string | null
  onWith: (id: string | undefined) => void
  onClose: () => void
  onDone: () => void
}

const focus = (input: HTMLElement | null) => input?.focus()

/** Merges the record with another one of its type, which is found by a text. */
export function MergeForm({ shown, with: other, ...rest }: MergeFormProps) {
  const [text, setText] = useState('')
  const id = useId()
  if (other !== undefined) return <Pair shown={shown} other={other} {...rest} />
  return (
    <div className={css.side}>
      <h2>Merge with another {shown.type.name}</h2>
      <label className={css.label} htmlFor={id}>
        Find it by a name, an id, or another value
      </label>
      <input
        id={id}
        className={css.input}
        ref={focus}
        autoComplete="off"
        value={text}
        onChange={(e) => setText(e.target.value)}
        onKeyDown={(e) => e.key === 'Escape' && rest.onClose()}
      />
      <Finder
        text={text}
        types={[shown.type.name]}
        without={shown.record.id}
        onChoose={(found) => rest.onWith(found)}
      />
    </div>
  )
}

function Pair({
  shown,
  other,
  refusal,
  onWith,
  onClose,
  onDone,
}: Omit<MergeFormProps, 'with'> & { other: string }) {
  const found = useRecord(other, undefined)
  const { record } = shown
  if (found.failure && !found.shown)
    return <FailureNote failure={found.failure} again={found.again} />
  if (found.missing || found.shown?.record.id === record.id || found.shown?.record.tombstone)
    return (
      <Empty title="It cannot be merged with this one">
        <p>There is no such record, it is the same one, or it has ended.</p>
      </Empty>
    )
  if (!found.shown) return <Skeleton rows={5} slow={found.slow} />
  const { record: second } = found.shown
  // The oldest keeps its id.
  const [kept] = [record, second].sort((a, b) => a.createdAt.localeCompare(b.createdAt))
  const name = kept?.title ?? kept?.id ?? ''
  return (
    <ActForm
      title={`Merge with ${second.title ?? second.id}`}
      verb={`Merge 2 into ${name}`}
      done={`Merged 2 into ${name}`}
      action={{
        merge: {
          records: [record, second].map((r) => ({ id: r.id, version: r.version })),
        },
      }}
      refusal={refusal}
      onClose={onClose}
      onDone={onDone}
    >
      <p>
        {second.title ?? 'A record without a name'} ·{' '}
        <button type="button" className={css.link} onClick={() => onWith(undefined)}>
          take another one
        </button>
      </p>
      <p className={css.small}>
        The oldest keeps its golden id; the other one leads to it. Automation does not take a merge
        of a steward apart.
      </p>
    </ActForm>
  )
}
