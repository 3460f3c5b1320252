import { useState } from 'react'
import { mutate } from '../graph/client.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Empty } from '../parts/states.tsx'
import { toastDone, toastFailed } from '../parts/toasts.tsx'
import { Value } from '../parts/value.tsx'
import { counted, fieldWords } from '../parts/valueText.ts'
import { useRefusal } from '../session/viewer.ts'
import {
  HealthOpinionDocument,
  HealthOpinionsDocument,
  type HealthOpinionsQuery,
} from './health.generated.ts'
import css from './health.module.css'
import { Panel } from './panel.tsx'

type Opinion = NonNullable<HealthOpinionsQuery['secondOpinions']>[number]
type Answer = 'SAME' | 'NOT_SAME' | 'UNSURE'
const DONE: Record<Answer, string> = {
  SAME: 'You said: one thing',
  NOT_SAME: 'You said: two things',
  UNSURE: 'You are unsure',
}

/** Pairs that others decided on, without what they decided. An opinion changes no golden record. */
export function Opinions() {
  const loaded = useQuery(HealthOpinionsDocument, {})
  const refusal = useRefusal('Mutation.answerLabels')
  const [sending, setSending] = useState(false)
  const pairs = loaded.data?.secondOpinions ?? []
  const pair = pairs[0]
  const why = refusal ?? (sending || loaded.loading ? 'It is being sent' : null)
  const answer = async (what: Answer) => {
    if (!pair || why !== null) return
    setSending(true)
    const { data, failure } = await mutate(HealthOpinionDocument, {
      answers: [{ a: pair.a.id, b: pair.b.id, answer: what }],
    })
    setSending(false)
    if (data?.answerLabels === undefined || data.answerLabels === null)
      return toastFailed(failure?.message ?? 'The server gave no result. Press again.')
    toastDone(DONE[what])
    loaded.again()
  }
  useKeys('Second opinions', [
    { key: 'm', name: 'They are one thing', run: () => void answer('SAME') },
    { key: 'n', name: 'They are two things', run: () => void answer('NOT_SAME') },
    { key: 'Space', name: 'Unsure', run: () => void answer('UNSURE') },
  ])
  return (
    <div className={css.part}>
      <Panel title="Second opinions" loaded={loaded}>
        {() =>
          !pair ? (
            <Empty title="No second opinion is wanted of you">
              <p>
                One decision in twenty of others appears here, without what they decided. What you
                say changes no golden record: it shows how far stewards agree.
              </p>
            </Empty>
          ) : (
            <>
              <p role="status">
                {pair.type}: are these one thing? {counted(pairs.length, 'pair')}
                {pairs.length === 10 && ' or more'} waiting.
              </p>
              <Pair of={pair} />
              <div className={css.line}>
                <Button kind="MAIN" keyHint="m" refusal={why} onPress={() => void answer('SAME')}>
                  One thing
                </Button>
                <Button keyHint="n" refusal={why} onPress={() => void answer('NOT_SAME')}>
                  Two things
                </Button>
                <Button keyHint="Space" refusal={why} onPress={() => void answer('UNSURE')}>
                  Unsure
                </Button>
              </div>
            </>
          )
        }
      </Panel>
    </div>
  )
}

function Pair({ of }: { of: Opinion }) {
  const [a, b] = [of.a.values, of.b.values] as Record<string, unknown>[]
  const fields = [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])]
  return (
    <table className={css.table}>
      <caption className="visually-hidden">The two source records, by field</caption>
      <thead>
        <tr>
          <th scope="col">Field</th>
          {[of.a, of.b].map((r) => (
            <th key={r.id} scope="col">
              <Badge system={r.system} label /> {r.sourceId}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {fields.map((field) => (
          <tr key={field}>
            <th scope="row">{fieldWords(field)}</th>
            <td className={css.words}>
              <Value value={a?.[field]} against={b?.[field]} />
            </td>
            <td className={css.words}>
              <Value value={b?.[field]} against={a?.[field]} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
