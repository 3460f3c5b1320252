import { useNavigate } from '@tanstack/react-router'
import { useEffect, useId, useRef, useState } from 'react'
import { listOf, textOf, useUrlState } from '../app/urlState.ts'
import { GOLDEN_TYPES } from '../graph/goldenTypes.generated.ts'
import { Button } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Panes } from '../parts/panes.tsx'
import { Empty, FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { counted } from '../parts/valueText.ts'
import { useRefusal } from '../session/viewer.ts'
import { nameOf } from './finder.tsx'
import { HitRow } from './hitRow.tsx'
import { NewRecord } from './newRecord.tsx'
import css from './search.module.css'
import { useRested, useSearch } from './useSearch.ts'

interface SearchState extends Record<string, unknown> {
  text: string | undefined
  types: string[] | undefined
  /** The golden type for which "would this be new?" is open. */
  fresh: string | undefined
}

function searchState(search: Record<string, unknown>): SearchState {
  // A number in an address is a text here: an id of a source record may be one.
  const text = typeof search.text === 'number' ? String(search.text) : textOf(search.text)
  return { text, types: listOf(search.types), fresh: textOf(search.fresh) }
}

/** Finds golden records by a text, as it is typed. */
export function Screen() {
  const navigate = useNavigate()
  const [state, change] = useUrlState(searchState)
  const [text, setText] = useState(state.text ?? '')
  const [at, setAt] = useState(0)
  const list = useId()
  const refusal = useRefusal('Query.matchesFor')
  const input = useRef<HTMLInputElement>(null)
  const found = useSearch(text, state.types)
  const { hits, titles, total, failure, loading, slow, again, asked } = found
  // The address follows what was asked for, so that a link and the way back show the same.
  const rested = useRested(text)
  useEffect(() => change({ text: rested === '' ? undefined : rested }), [rested, change])
  useEffect(() => input.current?.focus(), [])
  useEffect(() => {
    document.getElementById(`${list}-${at}`)?.scrollIntoView({ block: 'nearest' })
  }, [list, at])
  const open = (n: number) => {
    const hit = hits[n]
    if (hit) void navigate({ to: '/record/$id', params: { id: hit.goldenId } as never })
  }
  const toggle = (type: string) => {
    const now = state.types ?? []
    const next = now.includes(type) ? now.filter((t) => t !== type) : [...now, type]
    setAt(0)
    change({ types: next.length > 0 ? next : undefined })
  }
  const first = state.types?.[0] ?? GOLDEN_TYPES[0]?.name
  const ask = (fresh: string | undefined) => change({ fresh })
  useKeys('Search', [
    { key: 'j', name: 'Next hit', run: () => setAt((n) => Math.min(n + 1, hits.length - 1)) },
    { key: 'k', name: 'Previous hit', run: () => setAt((n) => Math.max(n - 1, 0)) },
    { key: 'Enter', name: 'Open the golden record', run: () => open(at) },
    { key: 'n', name: 'Would this be new?', run: () => ask(state.fresh ? undefined : first) },
  ])
  return (
    <Panes
      title="Search"
      head={
        <>
          <span role="status">
            {asked !== '' && total !== null && !loading && counted(total, 'golden record')}
          </span>
          <span style={{ flex: 1 }} />
          <Button
            keyHint="n"
            refusal={refusal}
            pressed={state.fresh !== undefined}
            onPress={() => ask(state.fresh ? undefined : first)}
          >
            Would this be new?
          </Button>
        </>
      }
      first={
        <>
          <div className={css.bar}>
            <input
              ref={input}
              id="search-text"
              className={css.input}
              type="search"
              role="combobox"
              aria-label="Find golden records by a name, an id or another value"
              aria-expanded={hits.length > 0}
              aria-controls={list}
              aria-activedescendant={hits[at] ? `${list}-${at}` : undefined}
              placeholder="A name, an id of a source system, an address, a tax id"
              autoComplete="off"
              value={text}
              onChange={(e) => {
                setText(e.target.value)
                setAt(0)
              }}
              onKeyDown={(e) => {
                if (e.key === 'ArrowDown') setAt((n) => Math.min(n + 1, hits.length - 1))
                else if (e.key === 'ArrowUp') setAt((n) => Math.max(n - 1, 0))
                else if (e.key === 'Enter') open(at)
                else if (e.key === 'Escape' && text === '') input.current?.blur()
                else return
                e.preventDefault()
              }}
            />
            <div role="group" aria-label="Types" className={css.types}>
              {GOLDEN_TYPES.map(({ name }) => (
                <Button
                  key={name}
                  pressed={state.types?.includes(name) ?? false}
                  onPress={() => toggle(name)}
                >
                  {name}
                </Button>
              ))}
            </div>
          </div>
          {failure && <FailureNote failure={failure} again={again} />}
          <SlowNote slow={slow} />
          <div id={list} role="listbox" aria-label="Found golden records" className={css.hits}>
            {hits.map((hit, n) => (
              <HitRow
                key={hit.goldenId}
                id={`${list}-${n}`}
                hit={hit}
                title={nameOf(titles.get(hit.goldenId))}
                isCurrent={n === at}
                onOpen={() => open(n)}
              />
            ))}
          </div>
          {hits.length === 0 && !failure && (
            <Nothing asked={asked} loading={loading} isFiltered={state.types !== undefined} />
          )}
          {total !== null && total > hits.length && (
            <p className={css.pad}>
              The best {hits.length} of {total}. Type more to find the others.
            </p>
          )}
        </>
      }
      second={
        state.fresh !== undefined && refusal === null ? (
          <NewRecord key={state.fresh} type={state.fresh} onType={ask} />
        ) : undefined
      }
      secondTitle="Would this be new?"
    />
  )
}

function Nothing({
  asked,
  loading,
  isFiltered,
}: {
  asked: string
  loading: boolean
  isFiltered: boolean
}) {
  if (asked === '')
    return (
      <Empty title="Find any golden record">
        <p>
          Type a name, also with a typing error, or the id that a source system has for it. Press ↓
          to move and ↵ to open. From every screen, / brings you here.
        </p>
      </Empty>
    )
  if (loading) return <Skeleton rows={6} />
  return (
    <Empty title="Nothing that you may see fits">
      <p>
        {isFiltered ? 'Press a type again to search in all of them, or try' : 'Try'} fewer or other
        words. Identifiers and numbers must be right.
      </p>
    </Empty>
  )
}
