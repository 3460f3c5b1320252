import { useEffect, useId, useRef, useState } from 'react'
import { query } from '../graph/client.ts'
import type { Failure } from '../graph/failure.ts'
import { Button } from '../parts/button.tsx'
import input from '../parts/fieldInput.module.css'
import { useKeys } from '../parts/keys.ts'
import { ReasonForm } from '../parts/reasonForm.tsx'
import { FailureNote } from '../parts/states.tsx'
import {
  type ExceptionDetailQuery,
  type ExceptionMappingFragment,
  ExceptionTryDocument,
} from './exceptions.generated.ts'
import css from './exceptions.module.css'
import { isApplicable, Mapping } from './mapping.tsx'
import { pretty } from './payloadText.ts'
import { CORRECT_REASONS } from './reasonTexts.ts'
import { correct } from './work.ts'

type Exception = NonNullable<ExceptionDetailQuery['inboundException']>
interface Tried {
  text: string
  mapping: ExceptionMappingFragment | null
  failure: Failure | null
}

/** Corrects the payload of a message: tried first, applied afterwards. */
export function Correction({
  exception,
  payload,
  onClose,
  onDone,
}: {
  exception: Exception
  payload: string
  onClose: () => void
  onDone: () => void
}) {
  const id = useId()
  const box = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState(() => pretty(payload))
  const [object, setObject] = useState(exception.object ?? '')
  const [tried, setTried] = useState<Tried | null>(null)
  const [trying, setTrying] = useState(false)
  useEffect(() => box.current?.focus(), [])
  const content = JSON.stringify([text, object])
  const isCurrent = tried?.text === content
  const tryIt = async () => {
    setTrying(true)
    const { data, failure } = await query(ExceptionTryDocument, {
      id: exception.id,
      payload: text,
      object: object.trim() === '' ? null : object.trim(),
    })
    setTrying(false)
    setTried({
      text: content,
      mapping: data?.inboundException?.transformation ?? null,
      failure,
    })
  }
  useKeys('Correction', [
    { key: '$mod+Enter', name: 'Try the correction', run: () => void tryIt() },
  ])
  const mapping = isCurrent ? tried.mapping : null
  const refusal =
    text === pretty(payload) && object === (exception.object ?? '')
      ? 'Change the payload or the object first'
      : mapping === null
        ? 'Try it first'
        : mapping.code !== null
          ? 'It cannot be read yet: see what the try found'
          : null
  return (
    <>
      <div className={css.editor}>
        <h2>Correct and try</h2>
        <label htmlFor={`${id}-text`}>Payload</label>
        <textarea
          ref={box}
          id={`${id}-text`}
          className={css.text}
          rows={Math.min(24, Math.max(6, text.split('\n').length))}
          spellCheck={false}
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
        <label htmlFor={`${id}-object`}>Object</label>
        <input
          id={`${id}-object`}
          className={input.input}
          value={object}
          autoComplete="off"
          onChange={(e) => setObject(e.target.value)}
        />
        <Button
          kind="MAIN"
          keyHint="$mod+Enter"
          refusal={trying ? 'It is being tried' : null}
          onPress={() => void tryIt()}
        >
          Try
        </Button>
      </div>
      {tried?.failure && <FailureNote failure={tried.failure} again={() => void tryIt()} />}
      {tried && !isCurrent && <p className={css.stale}>Changed since the last try.</p>}
      {mapping && <Mapping mapping={mapping} title="What the correction gives" />}
      <ReasonForm
        title="Apply the correction"
        consequence={
          <p>
            The corrected payload is added as a message that counts as of the same time as this one,
            and this exception is closed. The message as it came stays in the inbox.
            {mapping && mapping.code === null && !isApplicable(mapping) && (
              <b> It is still incomplete: it would be an exception again.</b>
            )}
          </p>
        }
        verb="Apply the correction"
        reasons={CORRECT_REASONS}
        refusal={refusal}
        focus={false}
        onClose={onClose}
        send={async (reason, key) => {
          const isDone = await correct(
            exception.id,
            text,
            object.trim() === '' ? null : object.trim(),
            reason,
            key,
          )
          if (isDone) onDone()
          return isDone
        }}
      />
    </>
  )
}
