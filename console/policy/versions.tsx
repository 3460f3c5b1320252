import { type Loaded, useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted } from '../parts/valueText.ts'
import {
  PolicyTextDocument,
  type PolicyTextQuery,
  type PolicyVersionsQuery,
} from './policy.generated.ts'
import css from './policy.module.css'
import { Diff } from './policyText.tsx'
import type { PolicyState } from './state.ts'

type Publication = NonNullable<PolicyVersionsQuery['publications']>['nodes'][number]

/** What was published, the latest first, and what waits for a second person. */
export function Versions({
  versions,
  active,
  state,
  change,
}: {
  versions: Loaded<PolicyVersionsQuery>
  active: PolicyTextQuery['policyText'] | null
  state: PolicyState
  change: (part: Partial<PolicyState>) => void
}) {
  const list = versions.data?.publications
  const proposals = versions.data?.publicationProposals?.nodes ?? []
  if (!list)
    return versions.failure ? (
      <FailureNote failure={versions.failure} again={versions.again} />
    ) : (
      <Skeleton rows={6} slow={versions.slow} />
    )
  return (
    <div className={css.part}>
      {versions.failure && <FailureNote failure={versions.failure} again={versions.again} />}
      <SlowNote slow={versions.slow} />
      {proposals.map((p) => (
        <p key={p.id} className={css.waits}>
          ⏳ {p.actor} proposed version <code>{proposed(p.input)}</code> <Time at={p.proposedAt} />:{' '}
          {p.reason}. It waits for a second person, in the queue.
        </p>
      ))}
      <table className={css.table}>
        <caption className="visually-hidden">Publications, the latest first</caption>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">State</th>
            <th scope="col">By</th>
            <th scope="col">When</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {list.nodes.map((p) => (
            <tr
              key={`${p.version} ${p.startedAt}`}
              data-current={state.version === p.version || undefined}
            >
              <th scope="row">
                <Button
                  kind="QUIET"
                  pressed={state.version === p.version}
                  label={`Choose version ${p.version}`}
                  onPress={() => change({ version: p.version })}
                >
                  <code>{p.version}</code>
                </Button>
              </th>
              <td>{stateText(p)}</td>
              <td>{p.actor}</td>
              <td>
                <Time at={p.startedAt} />
              </td>
              <td className={css.words}>
                {p.reason}
                {p.problem && <span className={css.problem}> ⚠ {p.problem}</span>}
              </td>
            </tr>
          ))}
          <tr data-current={state.version === 'shipped' || undefined}>
            <th scope="row">
              <Button
                kind="QUIET"
                pressed={state.version === 'shipped'}
                label="Choose the shipped policy"
                onPress={() => change({ version: 'shipped' })}
              >
                shipped
              </Button>
            </th>
            <td>{list.nodes.some((p) => p.inForce) ? '' : '● in force'}</td>
            <td>touchstone</td>
            <td />
            <td className={css.words}>Comes with the program.</td>
          </tr>
        </tbody>
      </table>
      {list.totalCount > list.nodes.length && (
        <p>{counted(list.totalCount - list.nodes.length, 'older publication')} not shown.</p>
      )}
      {active && state.version && state.version !== 'shipped' && (
        <Against version={state.version} active={active} />
      )}
    </div>
  )
}

/** What would be different if the chosen version were active again. */
function Against({
  version,
  active,
}: {
  version: string
  active: NonNullable<PolicyTextQuery['policyText']>
}) {
  const loaded = useQuery(PolicyTextDocument, { version })
  const then = loaded.data?.policyText
  if (!then)
    return loaded.failure ? (
      <FailureNote failure={loaded.failure} again={loaded.again} />
    ) : (
      <Skeleton rows={4} slow={loaded.slow} />
    )
  const names = [...new Set([...active.files, ...then.files].map((f) => f.name))].sort()
  const textIn = (files: typeof then.files, name: string) =>
    files.find((f) => f.name === name)?.text ?? ''
  const differ = names.filter((name) => textIn(active.files, name) !== textIn(then.files, name))
  if (differ.length === 0)
    return <p>Its text is that of the policy in force. Trained models may differ.</p>
  return (
    <>
      {differ.map((name) => (
        <Diff
          key={name}
          name={name}
          before={textIn(active.files, name)}
          after={textIn(then.files, name)}
        />
      ))}
    </>
  )
}

function stateText(p: Publication): string {
  const { state, inForce, done, total, events } = p
  const text =
    state === 'RUNNING'
      ? `◐ ${done.toLocaleString('en')} of ${total?.toLocaleString('en') ?? '?'} records`
      : state === 'DONE'
        ? counted(events, 'event')
        : `⚠ ${codeWords(state)}`
  return inForce ? `● in force · ${text}` : text
}

function proposed(input: unknown): string {
  return String((input as { policy?: unknown } | null)?.policy ?? '')
}
