import { useEffect, useRef, useState } from 'react'
import { textOf, useUrlState } from '../app/urlState.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { ReasonSelect } from '../parts/reasonSelect.tsx'
import { Empty, FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { counted } from '../parts/valueText.ts'
import { useRefusal, useViewer } from '../session/viewer.ts'
import { ApprovalDocument } from './approvals.generated.ts'
import css from './approvals.module.css'
import { isStale, type Preview, type Shown } from './compare.ts'
import { Comparison } from './comparison.tsx'
import { type Decision, decide, undo } from './decisions.ts'
import { ProposalList } from './proposalList.tsx'
import { ProposalPane, requestText } from './proposalPane.tsx'
import { APPROVE_REASONS, DECLINE_REASONS, WITHDRAW_REASON } from './reasons.ts'
import { useProposals } from './useProposals.ts'

interface ApprovalsState extends Record<string, unknown> {
  /** Only the proposals of the viewer. */
  mine: true | undefined
  /** The current proposal. */
  at: string | undefined
}

function approvalsState(search: Record<string, unknown>): ApprovalsState {
  return { mine: search.mine === true ? true : undefined, at: textOf(search.at) }
}

export function Screen() {
  const viewer = useViewer()
  const [state, change] = useUrlState(approvalsState)
  const list = useProposals(state.mine ? viewer.name : null)
  const { rows } = list
  const [first] = rows
  // The current proposal stays when somebody else decides it: no key acts on the one that follows.
  useEffect(() => {
    if (state.at === undefined && first) change({ at: first.id })
  }, [state.at, first, change])

  const shown = useQuery(ApprovalDocument, state.at ? { id: state.at } : null)
  list.changed.current = shown.again
  const found = shown.data?.stewardAction
  // The last one stays loaded while the next one is on its way, and is not the current one.
  const action = found?.id === state.at ? (found ?? null) : null
  const preview = action ? (shown.data?.previewProposal ?? null) : null
  const [reasons, setReasons] = useState({ approve: 0, decline: 0 })
  const busy = useRef(false)

  const at = rows.findIndex((r) => r.id === state.at)
  const move = (by: number) => {
    const to = at < 0 ? 0 : Math.max(0, Math.min(at + by, rows.length - 1))
    if (rows[to]) change({ at: rows[to].id })
  }
  const refusals = useRefusals(action, preview)
  const mayUndo = useRefusal('Mutation.undoAction', 'UNDO') === null
  const press = async (decision: Decision, reason: string) => {
    if (!action || refusals[decision] !== null || busy.current) return
    busy.current = true
    const next = rows[at + 1] ?? rows[at - 1]
    const name = `${requestText(action)} (${action.actor})`
    const done = await decide(decision, { id: action.id, name }, reason, mayUndo)
    busy.current = false
    if (done) change({ at: at < 0 ? undefined : next?.id })
    else shown.again()
    list.again()
  }
  const approve = () => void press('APPROVE', APPROVE_REASONS[reasons.approve] ?? '')
  const decline = () => void press('DECLINE', DECLINE_REASONS[reasons.decline] ?? '')
  const withdraw = () => void press('WITHDRAW', WITHDRAW_REASON)
  useKeys('Approvals', [
    { key: 'j', repeats: true, name: 'Next proposal', run: () => move(1) },
    { key: 'k', repeats: true, name: 'Previous proposal', run: () => move(-1) },
    { key: 'ArrowDown', repeats: true, name: 'Next proposal', run: () => move(1), hidden: true },
    { key: 'ArrowUp', repeats: true, name: 'Previous proposal', run: () => move(-1), hidden: true },
    { key: 'a', name: 'Approve the proposal', run: approve },
    { key: 'd', name: 'Decline the proposal', run: decline },
    { key: 'w', name: 'Withdraw your proposal', run: withdraw },
    {
      key: 'r',
      name: 'Next reason for the approval',
      run: () => setReasons((r) => ({ ...r, approve: (r.approve + 1) % APPROVE_REASONS.length })),
    },
    {
      key: 'Shift+R',
      name: 'Next reason against it',
      run: () => setReasons((r) => ({ ...r, decline: (r.decline + 1) % DECLINE_REASONS.length })),
    },
    { key: 'u', name: 'Undo the last approval', run: () => void undo() },
  ])

  return (
    <Panes
      title="Approvals"
      head={
        <>
          <span role="status">
            {list.total === null ? '' : `${counted(list.total, 'proposal')} waiting`}
          </span>
          <span className={css.space} />
          <Button
            pressed={state.mine === true}
            onPress={() => change({ mine: state.mine ? undefined : true, at: undefined })}
          >
            Mine
          </Button>
        </>
      }
      first={
        <>
          {list.failure && <FailureNote failure={list.failure} again={list.again} />}
          <SlowNote slow={list.slow && rows.length > 0} />
          {rows.length > 0 && (
            <ProposalList
              rows={rows}
              at={state.at}
              onAt={(id) => change({ at: id })}
              onMore={list.before === null ? null : list.more}
            />
          )}
          {rows.length === 0 && list.loading && <Skeleton rows={8} slow={list.slow} />}
          {rows.length === 0 && !list.loading && !list.failure && <Nothing mine={!!state.mine} />}
          {action && <Comparison action={action} preview={preview} />}
        </>
      }
      second={
        <>
          {shown.failure && state.at && <FailureNote failure={shown.failure} again={shown.again} />}
          {action ? (
            <ProposalPane
              action={action}
              preview={preview}
              buttons={
                <div className={css.buttons} data-proposal={action.id}>
                  <Button kind="MAIN" keyHint="a" refusal={refusals.APPROVE} onPress={approve}>
                    Approve
                  </Button>
                  <ReasonSelect
                    label="Reason for the approval"
                    list={APPROVE_REASONS}
                    at={reasons.approve}
                    onAt={(n) => setReasons({ ...reasons, approve: n })}
                  />
                  <Button keyHint="d" refusal={refusals.DECLINE} onPress={decline}>
                    Decline
                  </Button>
                  <ReasonSelect
                    label="Reason against it"
                    list={DECLINE_REASONS}
                    at={reasons.decline}
                    onAt={(n) => setReasons({ ...reasons, decline: n })}
                  />
                  <Button kind="QUIET" keyHint="w" refusal={refusals.WITHDRAW} onPress={withdraw}>
                    Withdraw
                  </Button>
                  {refusals.APPROVE !== null && (
                    <p className={css.small}>Approve: {refusals.APPROVE}</p>
                  )}
                </div>
              }
            />
          ) : shown.loading && state.at ? (
            <Skeleton rows={8} slow={shown.slow} />
          ) : state.at && !shown.failure ? (
            <Empty title="There is no such proposal">
              <p>The address may be of another installation.</p>
            </Empty>
          ) : (
            !shown.failure && <Empty title="No proposal is selected" />
          )}
        </>
      }
      secondTitle="The proposal"
    />
  )
}

/** Returns why each decision would be refused, or null. */
function useRefusals(
  action: Shown | null,
  preview: Preview | null,
): Record<Decision, string | null> {
  const viewer = useViewer()
  const duty = action?.kind === 'PUBLISH' ? 'APPROVE_PUBLISH' : 'APPROVE'
  const approving = {
    APPROVE: useRefusal('Mutation.approveAction', 'APPROVE'),
    APPROVE_PUBLISH: useRefusal('Mutation.approveAction', 'APPROVE_PUBLISH'),
  }
  const declining = {
    APPROVE: useRefusal('Mutation.declineAction', 'APPROVE'),
    APPROVE_PUBLISH: useRefusal('Mutation.declineAction', 'APPROVE_PUBLISH'),
  }
  const mayWithdraw = useRefusal('Mutation.withdrawAction')
  if (!action) {
    const refusal = 'No proposal is shown'
    return { APPROVE: refusal, DECLINE: refusal, WITHDRAW: refusal }
  }
  const isOwn = action.actor === viewer.name
  const over = action.state === 'PROPOSED' ? null : 'It was decided meanwhile'
  const stale = isStale(action.seen) ? 'Its records changed since its author saw them' : null
  const own = isOwn ? 'You are its author: another person has to approve it' : null
  const unseen =
    preview === null
      ? 'Its preview could not be loaded'
      : preview.__typename === 'ActionConflict'
        ? 'Its records changed since its author saw them'
        : preview.__typename === 'ActionRefused' && action.kind !== 'PUBLISH'
          ? preview.detail
          : null
  return {
    APPROVE: over ?? own ?? approving[duty] ?? stale ?? unseen,
    DECLINE: over ?? declining[duty],
    WITHDRAW: over ?? (isOwn ? mayWithdraw : `Only its author withdraws it: ${action.actor}`),
  }
}

function Nothing({ mine }: { mine: boolean }) {
  return mine ? (
    <Empty title="No proposal of yours waits">
      <p>Press “Mine” again for the proposals of everybody.</p>
    </Empty>
  ) : (
    <Empty title="Nothing waits for an approval">
      <p>
        Actions of high value, on marked fields, in bulk, and those of agents appear here by
        themselves when somebody proposes them.
      </p>
    </Empty>
  )
}
