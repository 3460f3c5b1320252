import type { Loaded } from '../graph/useQuery.ts'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { Empty, FailureNote, Skeleton } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { codeWords } from '../parts/valueText.ts'
import { Correction } from './correction.tsx'
import type { ExceptionDetailQuery } from './exceptions.generated.ts'
import css from './exceptions.module.css'
import { Mapping } from './mapping.tsx'
import { pretty } from './payloadText.ts'

export type Exception = NonNullable<ExceptionDetailQuery['inboundException']>

interface DetailProps {
  id: string
  loaded: Loaded<ExceptionDetailQuery>
  isCorrecting: boolean
  /** Why the caller may not work on exceptions; null if it may. */
  refusal: string | null
  onRetry: () => void
  onCorrect: () => void
  onSetAside: () => void
  onClose: () => void
  onDone: () => void
}

/** One exception: what is wrong with it, how it is mapped, its payload and what was done about it. */
export function Detail(props: DetailProps) {
  const { id, loaded, isCorrecting, refusal, onRetry, onCorrect, onSetAside } = props
  const { data, failure, slow, again } = loaded
  const e = data?.inboundException
  if (failure && e?.id !== id) return <FailureNote failure={failure} again={again} />
  if (data && !e && !loaded.loading)
    return (
      <Empty title={`Message ${id} is no exception any more`}>
        <p>It was applied meanwhile. Press j for the next one.</p>
      </Empty>
    )
  if (!e || e.id !== id) return <Skeleton rows={8} slow={slow} />
  return (
    <div className={css.whole}>
      {failure && <FailureNote failure={failure} again={again} />}
      <div className={css.block}>
        <h2 className={css.capital}>{codeWords(e.code)}</h2>
        <p className={css.wrap}>{e.detail}</p>
        <Facts e={e} />
        <div className={css.line}>
          <Button keyHint="c" refusal={refusalOfCorrection(e, refusal)} onPress={onCorrect}>
            Correct and try
          </Button>
          <Button keyHint="r" refusal={refusalOfWork(e, refusal)} onPress={onRetry}>
            Try again
          </Button>
          <Button keyHint="d" refusal={refusalOfWork(e, refusal)} onPress={onSetAside}>
            Set aside
          </Button>
        </div>
      </div>
      {isCorrecting && e.payload !== null ? (
        <Correction
          key={e.id}
          exception={e}
          payload={e.payload}
          onClose={props.onClose}
          onDone={props.onDone}
        />
      ) : (
        <>
          <Mapping mapping={e.transformation} title="Mapping" />
          <section className={css.block} aria-label="Payload">
            <h2>Payload</h2>
            {e.payload === null ? (
              <p className={css.small}>
                Not shown: it may hold values that you have no right to see. The mapping above shows
                those that you may.
              </p>
            ) : (
              <pre className={css.payload}>{pretty(e.payload)}</pre>
            )}
          </section>
        </>
      )}
      <Work e={e} />
    </div>
  )
}

/** Returns why nothing can be done about an exception; null if something can. */
export function refusalOfWork(
  e: Pick<Exception, 'state' | 'waiting'>,
  refusal: string | null,
): string | null {
  if (refusal !== null) return refusal
  if (e.state !== 'EXCEPTION') return `It was ${stateWords(e.state)} already`
  return e.waiting ? 'It is in the queue: it is tried again now' : null
}

export function refusalOfCorrection(e: Exception, refusal: string | null): string | null {
  return (
    refusalOfWork(e, refusal) ??
    (e.payload === null ? 'You have no right to see all values of the message' : null)
  )
}

function stateWords(state: Exception['state']): string {
  return state === 'CORRECTED' ? 'corrected' : 'set aside'
}

function Facts({ e }: { e: Exception }) {
  const facts: [string, React.ReactNode][] = [
    ['Source', <Badge key="b" system={e.system} label />],
    ['Object', e.object ?? 'none'],
    ['Record', e.recordId ?? 'its id could not be read'],
    ['Type', e.type ?? 'no mapping'],
    ...(e.field === null ? [] : [['Field', e.field] as [string, string]]),
    ['Owner', e.owner],
    ['Received', <Time key="r" at={e.receivedAt} />],
    ['Failed', <Time key="f" at={e.failedAt} />],
    [
      'State',
      e.state === 'EXCEPTION' ? (e.waiting ? 'in the queue' : 'open') : stateWords(e.state),
    ],
    ['Message', <code key="m">{e.messageId}</code>],
    ['Correlation', <code key="c">{e.correlationId}</code>],
    ...(e.corrects === null ? [] : [['Corrects', `message ${e.corrects}`] as [string, string]]),
  ]
  return (
    <dl className={css.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

const WORK: Record<string, string> = {
  RETRY: 'Tried again',
  EDIT: 'Corrected',
  DISCARD: 'Set aside',
}

function Work({ e }: { e: Exception }) {
  if (e.work.nodes.length === 0) return null
  return (
    <section className={css.block} aria-label="What was done">
      <h2>What was done</h2>
      <ul className={css.work}>
        {e.work.nodes.map((w) => (
          <li key={`${w.at} ${w.kind}`}>
            {WORK[w.kind]} by {w.actor}, <Time at={w.at} />: {w.reason}
            {w.correctedBy !== null && ` (message ${w.correctedBy})`}
          </li>
        ))}
      </ul>
    </section>
  )
}
