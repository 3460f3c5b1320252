import { useEffect, useRef } from 'react'
import { useTitles } from '../graph/titles.ts'
import { Button } from '../parts/button.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords, counted, roundMoneyText } from '../parts/valueText.ts'
import { useViewer } from '../session/viewer.ts'
import type { ProposalFragment } from './approvals.generated.ts'
import css from './approvals.module.css'
import { isStale } from './compare.ts'

interface ProposalListProps {
  rows: readonly ProposalFragment[]
  at: string | undefined
  onAt: (id: string) => void
  /** Loads the next page; null if there is none. */
  onMore: (() => void) | null
}

/** The proposals that wait, with author, reason and age. */
export function ProposalList({ rows, at, onAt, onMore }: ProposalListProps) {
  const { valueCurrency } = useViewer()
  const titles = useTitles(rows.flatMap((r) => r.about.slice(0, 1)))
  const current = useRef<HTMLTableRowElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another row is in sight then
  useEffect(() => {
    current.current?.scrollIntoView({ block: 'nearest' })
  }, [at])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
    <section className={css.list} aria-label="Proposals that wait" tabIndex={0}>
      <table className={css.rows}>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">About</th>
            <th scope="col">Author</th>
            <th scope="col" className={css.stake}>
              At stake
            </th>
            <th scope="col">Waits since</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => {
            const [first] = r.about
            const more = r.about.length - 1
            return (
              <tr
                key={r.id}
                id={`proposal-${r.id}`}
                ref={r.id === at ? current : undefined}
                aria-current={r.id === at || undefined}
                onClick={() => onAt(r.id)}
              >
                <th scope="row">
                  <button type="button" className={css.open} onClick={() => onAt(r.id)}>
                    {codeWords(r.kind)}
                  </button>
                  {isStale(r.seen) && (
                    <span className={css.stale}>
                      <span aria-hidden="true">⚠ </span>changed since
                    </span>
                  )}
                </th>
                <td>
                  <span className={css.about}>
                    {(first && titles.get(first)?.title) ?? r.type ?? 'Policy'}
                    {more > 0 && ` and ${counted(more, 'more', 'more')}`}
                  </span>
                  <span className={css.small}>{r.reason}</span>
                </td>
                <td>
                  {r.actor}
                  <AgentMark agent={r.agent} />
                </td>
                <td className={css.stake}>{roundMoneyText(r.stake, valueCurrency)}</td>
                <td>
                  <Time at={r.proposedAt} />
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
      {onMore && (
        <p className={css.more}>
          <Button onPress={onMore}>Show more</Button>
        </p>
      )}
    </section>
  )
}

/** Marks what an agent program prepared. */
export function AgentMark({ agent }: { agent: string | null }) {
  return agent === null ? null : (
    <span className={css.agent} title="An agent program prepared it. It states its name itself.">
      <span aria-hidden="true">⚙ </span>by the agent {agent}
    </span>
  )
}
