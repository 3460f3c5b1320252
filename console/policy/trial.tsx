import { useEffect, useId, useRef, useState } from 'react'
import { mutate } from '../graph/client.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Empty, Skeleton } from '../parts/states.tsx'
import { toastDone, toastFailed } from '../parts/toasts.tsx'
import { useRefusal } from '../session/viewer.ts'
import {
  PolicyPublishDocument,
  PolicySimulateDocument,
  type PolicySimulateMutation,
} from './policy.generated.ts'
import css from './policy.module.css'
import { Report } from './report.tsx'
import type { Selection } from './state.ts'

type Simulation = Extract<PolicySimulateMutation['simulatePolicy'], { __typename: 'Simulation' }>

interface TrialProps {
  /** Null: nothing is changed or chosen. */
  selection: Selection | null
  what: 'DRAFT' | 'VERSION'
  /** Version of the active policy that is shown. */
  instead: string | null
  mayRead: string | null
  onDone: () => void
}

/** Records that a first look takes of each type. */
const sampleUsual = 500

/** What a policy would change, and the button that publishes it. Nothing happens before. */
export function Trial({ selection, what, instead, mayRead, onDone }: TrialProps) {
  const id = useId()
  const mayTry = useRefusal('Mutation.simulatePolicy', 'PUBLISH')
  const mayPublish = useRefusal('Mutation.publishPolicy', 'PUBLISH')
  const [isSample, setSample] = useState(true)
  const [began, setBegan] = useState<number | null>(null)
  const [found, setFound] = useState<{ of: string; report: Simulation } | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [reason, setReason] = useState('')
  const [sending, setSending] = useState(false)
  const key = useRef({ text: '', key: '' })
  const text = JSON.stringify(selection)
  const report = found?.of === text ? found.report : null
  // biome-ignore lint/correctness/useExhaustiveDependencies: a problem is of one selection
  useEffect(() => setProblem(null), [text])

  const missing = selection === null ? 'Nothing is changed' : null
  const whyNotTry = mayTry ?? missing ?? (began !== null ? 'It is being simulated' : null)
  const simulate = async () => {
    if (whyNotTry !== null || selection === null) return
    setBegan(Date.now())
    setProblem(null)
    const { data, failure } = await mutate(PolicySimulateDocument, {
      ...selection,
      ...(isSample ? { sample: sampleUsual } : {}),
    })
    setBegan(null)
    const result = data?.simulatePolicy
    if (result?.__typename === 'Simulation') setFound({ of: text, report: result })
    else setProblem(result?.detail ?? failure?.message ?? 'The server gave no result.')
  }
  const whyNotPublish =
    mayPublish ??
    missing ??
    (report === null
      ? 'Simulate it first'
      : reason.trim() === ''
        ? 'State a reason first'
        : sending
          ? 'It is being sent'
          : null)
  const publish = async () => {
    if (whyNotPublish !== null || selection === null) return
    const content = JSON.stringify([selection, reason, instead])
    if (key.current.text !== content) key.current = { text: content, key: crypto.randomUUID() }
    setSending(true)
    const { data, failure } = await mutate(PolicyPublishDocument, {
      ...selection,
      instead,
      reason: reason.trim(),
      key: key.current.key,
    })
    setSending(false)
    const result = data?.publishPolicy
    if (result?.__typename === 'ActionDone')
      toastDone('Published. Every record is gone through now; Versions shows how far it is.')
    else if (result?.__typename === 'ApprovalNeeded')
      toastDone('It waits for the approval of a second person. Nothing has changed yet.')
    else
      return toastFailed(
        result?.__typename === 'ActionRefused'
          ? `Refused: ${result.detail} Nothing was changed.`
          : (failure?.message ??
              'The server gave no result. Press again to repeat the same request.'),
      )
    setReason('')
    onDone()
  }
  useKeys('Trial', [
    { key: 's', name: 'Simulate what it would change', run: () => void simulate() },
    {
      key: 'p',
      name: 'Publish: state the reason',
      run: () => document.getElementById(id)?.focus(),
    },
  ])
  if (mayRead !== null && what === 'DRAFT')
    return (
      <Empty title="Changes are tried by who may publish">
        <p>{mayRead}.</p>
      </Empty>
    )
  return (
    <div className={css.part}>
      <label className={css.check}>
        <input type="checkbox" checked={isSample} onChange={(e) => setSample(e.target.checked)} />A
        sample of {sampleUsual} golden records of each type
      </label>
      <Button kind="MAIN" keyHint="s" refusal={whyNotTry} onPress={() => void simulate()}>
        Simulate
      </Button>
      {selection === null && !report && (
        <p className={css.small}>
          {what === 'DRAFT'
            ? 'Press e and change the text. Simulate shows what it would change in the golden records, before anything happens.'
            : 'Choose a version to go back to. Simulate shows what that would change.'}
        </p>
      )}
      {began !== null && <Running since={began} isSample={isSample} />}
      {problem && (
        <p className={css.problem} role="alert">
          ⚠ {problem} Nothing was changed.
        </p>
      )}
      {report && <Report report={report} />}
      <div className={css.label}>
        <label htmlFor={id}>Reason</label>
        <input
          id={id}
          className={css.input}
          autoComplete="off"
          placeholder="For the people who read it later"
          value={reason}
          onChange={(e) => setReason(e.target.value)}
          onKeyDown={(e) => e.key === 'Enter' && void publish()}
        />
      </div>
      <Button keyHint="p" refusal={whyNotPublish} onPress={() => void publish()}>
        {what === 'DRAFT' ? 'Publish the changes' : 'Go back to this version'}
      </Button>
    </div>
  )
}

function Running({ since, isSample }: { since: number; isSample: boolean }) {
  const [, setTurn] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setTurn((n) => n + 1), 1_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <>
      <p className={css.small}>
        Simulating since {Math.round((Date.now() - since) / 1_000)} s.{' '}
        {isSample
          ? 'A sample takes seconds.'
          : 'Every record is matched again: a large store takes minutes.'}{' '}
        Nothing is changed, and nobody waits for it.
      </p>
      <Skeleton rows={4} />
    </>
  )
}
