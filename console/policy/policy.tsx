import { useEffect, useState } from 'react'
import { useUrlState } from '../app/urlState.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { Empty, FailureNote, Skeleton } from '../parts/states.tsx'
import { useRefusal } from '../session/viewer.ts'
import { Matching } from './matching.tsx'
import { Health } from './modelHealth.tsx'
import { PolicyTextDocument, PolicyVersionsDocument } from './policy.generated.ts'
import { PolicyText } from './policyText.tsx'
import { PART_NAMES, PARTS, policyState, type Selection } from './state.ts'
import { Trial } from './trial.tsx'
import { Versions } from './versions.tsx'

/** A publication passes over every record: its progress is read so often. */
const progressMs = 2_000

/** The policy in force, how records are matched by it, and the versions before it. */
export function Screen() {
  const [state, change] = useUrlState(policyState)
  const mayRead = useRefusal('Query.policyText')
  const text = useQuery(PolicyTextDocument, mayRead === null ? {} : null)
  const versions = useQuery(PolicyVersionsDocument, {})
  /** Texts that were edited here, by name of the file. */
  const [drafts, setDrafts] = useState<Record<string, string>>({})
  const [editing, setEditing] = useState(false)
  const active = text.data?.policyText ?? null
  const files = active?.files ?? []
  const types = files.flatMap((f) => f.types)
  const running = versions.data?.publications?.nodes.some((p) => p.state === 'RUNNING') ?? false
  const { again } = versions
  useEffect(() => {
    if (!running) return
    const timer = setInterval(again, progressMs)
    return () => clearInterval(timer)
  }, [running, again])

  const file = files.find((f) => f.name === state.file) ?? files[0]
  const type = types.includes(state.type ?? '') ? state.type : (types[0] ?? 'Customer')
  const changed = files.filter((f) => (drafts[f.name] ?? f.text) !== f.text)
  const selection = selectionOf()
  function selectionOf(): Selection | null {
    if (state.part === 'versions')
      return state.version === undefined
        ? null
        : state.version === 'shipped'
          ? { shipped: true }
          : { version: state.version }
    if (changed.length === 0) return null
    return {
      keepModels: true,
      files: files.map(({ name, text }) => ({ name, text: drafts[name] ?? text })),
    }
  }
  const refreshed = () => {
    text.again()
    versions.again()
  }
  useKeys('Policy', [
    ...PARTS.map((part, n) => ({
      key: `${n + 1}`,
      name: PART_NAMES[part],
      run: () => change({ part }),
    })),
    {
      key: 'e',
      name: 'Edit the text, or show it',
      run: () => state.part === 'text' && mayRead === null && setEditing((is) => !is),
    },
    {
      key: 'z',
      name: 'Leave the changes out',
      run: () => setDrafts({}),
    },
  ])
  return (
    <Panes
      title="Policy and matching"
      head={
        <>
          {PARTS.map((part, n) => (
            <Button
              key={part}
              keyHint={`${n + 1}`}
              pressed={state.part === part}
              onPress={() => change({ part })}
            >
              {PART_NAMES[part]}
            </Button>
          ))}
          <span style={{ flex: 1 }} />
          {state.part === 'text' && (
            <>
              <Button
                keyHint="e"
                refusal={mayRead}
                pressed={editing}
                onPress={() => setEditing((is) => !is)}
              >
                Edit
              </Button>
              <Button
                keyHint="z"
                refusal={changed.length === 0 ? 'Nothing was changed here' : null}
                onPress={() => setDrafts({})}
              >
                Leave the changes out
              </Button>
            </>
          )}
        </>
      }
      first={
        <>
          {text.failure && <FailureNote failure={text.failure} again={text.again} />}
          {state.part === 'versions' ? (
            <Versions versions={versions} active={active} state={state} change={change} />
          ) : state.part === 'matching' ? (
            <Matching
              types={types.length > 0 ? types : ['Customer']}
              type={type ?? 'Customer'}
              change={change}
            />
          ) : mayRead !== null ? (
            <Empty title="The text of the policy is not shown">
              <p>{mayRead}. Matching and versions are shown with the keys 2 and 3.</p>
            </Empty>
          ) : file ? (
            <PolicyText
              files={files}
              file={file}
              drafts={drafts}
              editing={editing}
              publication={versions.data?.publications?.nodes.find((p) => p.inForce) ?? null}
              onFile={(name) => change({ file: name })}
              onDraft={(name, draft) => setDrafts((now) => ({ ...now, [name]: draft }))}
            />
          ) : (
            !text.failure &&
            (text.loading || text.data === null ? (
              <Skeleton rows={18} slow={text.slow} />
            ) : (
              <Empty title="The text of the policy is not shown to row rights" />
            ))
          )}
        </>
      }
      second={
        state.part === 'matching' ? (
          <Health type={type ?? 'Customer'} />
        ) : (
          <Trial
            selection={selection}
            what={state.part === 'versions' ? 'VERSION' : 'DRAFT'}
            instead={active?.version ?? null}
            mayRead={mayRead}
            onDone={() => {
              setDrafts({})
              setEditing(false)
              change({ version: undefined })
              refreshed()
            }}
          />
        )
      }
      secondTitle={state.part === 'matching' ? 'Training' : 'What it would change'}
    />
  )
}
