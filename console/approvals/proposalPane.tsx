import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { EffectOf } from '../parts/effect.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, fieldWords, roundMoneyText, valueText } from '../parts/valueText.ts'
import { useViewer } from '../session/viewer.ts'
import css from './approvals.module.css'
import { isStale, type Preview, type Shown } from './compare.ts'
import { AgentMark } from './proposalList.tsx'

const RULES: Record<string, string> = {
  FIELD: 'it changes a field that needs a second person',
  MERGE_VALUE: 'the records are of high value',
  BULK: 'it is a bulk action',
  PUBLISH: 'it publishes a policy',
  REQUESTED: 'its author asked for it',
  AGENT: 'an agent program prepared it',
}

/** What a proposal asks for, why it waits, and what the approval would do. */
export function ProposalPane({
  action,
  preview,
  buttons,
}: {
  action: Shown
  preview: Preview | null
  buttons: ReactNode
}) {
  const viewer = useViewer()
  const waits = action.state === 'PROPOSED'
  return (
    <div className={css.pane}>
      <h2>{requestText(action)}</h2>
      <p className={css.reason}>“{action.reason}”</p>
      {!waits && (
        <p className={css.stop} role="status">
          <b>Decided meanwhile:</b> {codeWords(action.state)}
          {action.decidedBy && ` by ${action.decidedBy}`}
          {action.decision && `, “${action.decision}”`}. Keys do nothing more here.
        </p>
      )}
      {waits && isStale(action.seen) && (
        <p className={css.stop} role="alert">
          <b>Its records changed since {action.actor} saw them,</b> so the approval would do
          nothing.{' '}
          {action.actor === viewer.name
            ? 'Withdraw it, open the record and propose it again.'
            : 'Decline it; its author can propose it again on the present values.'}
        </p>
      )}
      {buttons}
      {waits && preview?.__typename === 'ActionPreview' && (
        <section className={css.effects} aria-label="What it would do">
          <h3>What it would do</h3>
          <EffectOf effect={preview} />
        </section>
      )}
      {waits && action.kind === 'PUBLISH' && (
        <p className={css.stop}>
          The effect of a policy is simulated: <code>npx touchstone simulate</code>.
        </p>
      )}
      {waits && preview?.__typename === 'ActionRefused' && action.kind !== 'PUBLISH' && (
        <p className={css.stop} role="alert">
          <b>It cannot be carried out:</b> {preview.detail}
        </p>
      )}
      <dl className={css.facts}>
        <dt>Author</dt>
        <dd>
          {action.actor}
          <AgentMark agent={action.agent} />
        </dd>
        <dt>Proposed</dt>
        <dd>
          <Time at={action.proposedAt} />
        </dd>
        {action.expiresAt && (
          <>
            <dt>Expires</dt>
            <dd>
              <Time at={action.expiresAt} />
            </dd>
          </>
        )}
        <dt>At stake</dt>
        <dd>{roundMoneyText(action.stake, viewer.valueCurrency)}</dd>
        <dt>Waits because</dt>
        <dd>{action.approval.map((r) => RULES[r] ?? codeWords(r)).join(' and ')}</dd>
        {action.undoes && (
          <>
            <dt>Undoes</dt>
            <dd>
              {codeWords(action.undoes.kind)} of {action.undoes.actor}, “{action.undoes.reason}”
            </dd>
          </>
        )}
        <dt>Records</dt>
        <dd className={css.links}>
          {action.seen.slice(0, 10).map((s) => (
            <Link key={s.goldenId} to="/record/$id" params={{ id: s.goldenId } as never}>
              {titleOf(s)}
            </Link>
          ))}
          {action.seen.length === 0 && 'none is named'}
        </dd>
      </dl>
    </div>
  )
}

function titleOf({ values, type }: Shown['seen'][number]): string {
  const name = (values as Record<string, unknown> | null)?.name
  return typeof name === 'string' ? name : type
}

/** Returns what a proposal asks for, for example `State the account owner: Bo`. */
export function requestText({ kind, input }: Pick<Shown, 'kind' | 'input'>): string {
  const { field, value, items } = input as { field?: string; value?: unknown; items?: unknown[] }
  const words = field === undefined ? '' : fieldWords(field)
  if (kind === 'OVERRIDE') return `State the ${words}: ${valueText(value) ?? 'no value'}`
  if (kind === 'LIFT') return `Lift the stated ${words}`
  if (kind === 'BULK') return `Carry out ${items?.length ?? 0} actions as one`
  const text = codeWords(kind)
  return text.charAt(0).toUpperCase() + text.slice(1)
}
