import { Link } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { type Outcome, query } from '../graph/client.ts'
import type { Failure } from '../graph/failure.ts'
import type { GoldenType, GraphField, GraphList } from '../graph/goldenTypes.ts'
import { useRequest } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { Empty, FailureNote, Skeleton } from '../parts/states.tsx'
import { Value } from '../parts/value.tsx'
import { codeWords, fieldWords } from '../parts/valueText.ts'
import { useViewer } from '../session/viewer.ts'
import { presentId } from './history.tsx'
import { type Counts, type CountsPart, type ListPage, listOperation } from './operations.ts'
import css from './record.module.css'
import { missingScopes, type ShownRecord } from './useRecord.ts'

/** Loads what the parts have of a record. A part that fails leaves the others. */
async function loadCounts(
  parts: readonly CountsPart[],
  variables: { id: string },
): Promise<Outcome<Counts>> {
  const all = await Promise.all(parts.map(({ operation }) => query(operation, variables)))
  const found = all.flatMap(({ data }) => data?.node ?? [])
  return {
    data: found.length > 0 ? Object.assign({}, ...found) : null,
    failure: all.find(({ failure }) => failure !== null)?.failure ?? null,
  }
}

interface AttachedProps {
  shown: ShownRecord
  list: string | undefined
  onOpen: (list: string | undefined) => void
}

/** What is attached to the record: the lists of the graph for its type, and figures. */
export function Attached({ shown, list, onOpen }: AttachedProps) {
  const { type, record, operations } = shown
  const viewer = useViewer()
  const id = presentId(record.id)
  const held = useMemo(
    () => new Set([...viewer.scopes, ...shown.scopes]),
    [viewer.scopes, shown.scopes],
  )
  const parts = useMemo(
    () => operations.counts.filter(({ scopes }) => missingScopes(scopes, held) === null),
    [operations, held],
  )
  const {
    data: counts,
    failure,
    loading,
    slow,
    again,
  } = useRequest(loadCounts, parts, parts.length > 0 ? { id } : null)
  if (type.lists.length + type.figures.length === 0)
    return <Empty title={`This graph has nothing attached to a ${type.name}`} />
  const open = type.lists.find((l) => l.name === list)
  return (
    <>
      {failure && <FailureNote failure={failure} again={again} />}
      {!counts && loading && <Skeleton rows={6} slow={slow} />}
      {type.figures.map(({ name, fields }) => {
        const figures = counts?.[name] as Record<string, unknown> | null | undefined
        return figures ? (
          <dl key={name} className={css.figures} aria-label={fieldWords(name)}>
            {fields.map((f) => (
              <div key={f.name}>
                <dt>{fieldWords(f.name)}</dt>
                <dd>
                  <Value value={figures[f.name]} />
                </dd>
              </div>
            ))}
          </dl>
        ) : null
      })}
      <div className={css.lists} role="group" aria-label="Lists">
        {type.lists.map((l) => {
          const count = (counts?.[l.name] as { totalCount: number } | null | undefined)?.totalCount
          const refusal = missingScopes(l.scopes, held)
          return (
            <Button
              key={l.name}
              refusal={refusal}
              pressed={l.name === list}
              onPress={() => onOpen(l.name === list ? undefined : l.name)}
            >
              {fieldWords(l.name)} {count === undefined ? '' : count.toLocaleString('en')}
            </Button>
          )
        })}
      </div>
      {open ? (
        <List key={`${id} ${open.name}`} type={type} list={open} id={id} />
      ) : (
        <p className={css.pad}>Choose a list to see what is in it.</p>
      )}
    </>
  )
}

function List({ type, list, id }: { type: GoldenType; list: GraphList; id: string }) {
  const [page, setPage] = useState<ListPage | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [after, setAfter] = useState<string | null>(null)
  useEffect(() => {
    let current = true
    void query(listOperation(type, list), { id, after }).then((outcome) => {
      if (!current) return
      const next = outcome.data?.node?.list
      setFailure(outcome.failure)
      if (next)
        setPage((p) => ({
          ...next,
          nodes: after === null ? next.nodes : [...(p?.nodes ?? []), ...next.nodes],
        }))
    })
    return () => {
      current = false
    }
  }, [type, list, id, after])
  if (!page) return failure ? <FailureNote failure={failure} /> : <Skeleton rows={5} />
  if (page.nodes.length === 0) return <p className={css.pad}>None.</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
    <section className={css.scroll} aria-label={fieldWords(list.name)} tabIndex={0}>
      <table className={css.list}>
        <thead>
          <tr>
            {list.columns.map((c) => (
              <th key={c.name} scope="col" data-number={isNumber(c) || undefined}>
                {fieldWords(c.name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {page.nodes.map((item, n) => (
            <tr key={item.id ?? n}>
              {list.columns.map((c, column) => (
                <td key={c.name} data-number={isNumber(c) || undefined}>
                  <Cell item={item} column={c} link={list.golden && column === 0} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {failure && <FailureNote failure={failure} />}
      {page.pageInfo.hasNextPage && (
        <p className={css.pad}>
          <Button onPress={() => setAfter(page.pageInfo.endCursor)}>
            Show more of {page.totalCount.toLocaleString('en')}
          </Button>
        </p>
      )}
    </section>
  )
}

function Cell({
  item,
  column,
  link,
}: {
  item: ListPage['nodes'][number]
  column: GraphField
  link: boolean
}) {
  const value = item[column.name]
  const shown = column.kind === 'CODE' && typeof value === 'string' ? codeWords(value) : value
  const text =
    column.kind === 'MOMENT' && typeof value === 'string' ? new Date(value).toLocaleString() : shown
  return link && item.id ? (
    <Link to="/record/$id" params={{ id: item.id } as never}>
      {text === null || text === undefined || text === '' ? item.id : String(text)}
    </Link>
  ) : (
    <Value value={text} />
  )
}

function isNumber({ kind }: GraphField): boolean {
  return kind === 'NUMBER' || kind === 'MONEY'
}
