import { Link } from '@tanstack/react-router'
import { useTitles } from '../graph/titles.ts'
import { useQuery } from '../graph/useQuery.ts'
import { Empty, FailureNote, Skeleton } from '../parts/states.tsx'
import { counted } from '../parts/valueText.ts'
import { refusalOf, useViewer } from '../session/viewer.ts'
import { RecordLink } from './fieldValue.tsx'
import { presentId } from './history.tsx'
import type { Relative } from './operations.ts'
import { RecordRelatedDocument } from './record.generated.ts'
import css from './record.module.css'
import type { ShownRecord } from './useRecord.ts'

/** The hierarchy of the record, and records that may be related to it. */
export function Family({ shown }: { shown: ShownRecord }) {
  const { record, operations, type } = shown
  const id = presentId(record.id)
  return (
    <>
      {operations.family === null ? (
        <p className={css.pad}>Records of type {type.name} have no hierarchy.</p>
      ) : (
        <Hierarchy operation={operations.family} id={id} />
      )}
      <Related id={id} />
    </>
  )
}

function Hierarchy({
  operation,
  id,
}: {
  operation: NonNullable<ShownRecord['operations']['family']>
  id: string
}) {
  const { data, failure, loading, slow, again } = useQuery(operation, { id })
  const self = data?.node
  if (failure) return <FailureNote failure={failure} again={again} />
  if (!self) return loading ? <Skeleton rows={4} slow={slow} /> : null
  const above: Relative[] = []
  for (let r = self.parent; r; r = r.parent) above.unshift(r)
  const children = self.children?.nodes ?? []
  if (above.length === 0 && children.length === 0)
    return (
      <Empty title="It stands alone">
        <p>No source system states a parent of it, and it is the parent of none.</p>
      </Empty>
    )
  const rows = [
    ...above.map((r, n) => ({ relative: r, level: n + 1, isSelf: false })),
    { relative: self, level: above.length + 1, isSelf: true },
    ...children.map((r) => ({ relative: r, level: above.length + 2, isSelf: false })),
  ]
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: rows have levels, which a table has not */}
      <table role="treegrid" aria-label="Hierarchy" className={css.tree}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Below it</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ relative, level, isSelf }) => (
            <tr
              key={relative.id}
              aria-level={level}
              aria-current={isSelf || undefined}
              data-current={isSelf || undefined}
            >
              <td style={{ paddingInlineStart: `${level * 18}px` }}>
                <span aria-hidden="true">{level > 1 ? '└ ' : ''}</span>
                {isSelf ? (
                  <b>{relative.title ?? relative.id}</b>
                ) : (
                  <Link
                    to="/record/$id"
                    params={{ id: relative.id } as never}
                    search={{ tab: 'family' } as never}
                  >
                    {relative.title ?? relative.id}
                  </Link>
                )}
              </td>
              <td>{relative.children?.totalCount ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {(self.children?.totalCount ?? 0) > children.length && (
        <p className={css.pad}>
          {counted((self.children?.totalCount ?? 0) - children.length, 'more')} below it.
        </p>
      )}
    </>
  )
}

function Related({ id }: { id: string }) {
  const viewer = useViewer()
  const refusal = refusalOf(viewer, 'Query.possiblyRelated')
  const { data, failure, loading, slow, again } = useQuery(
    RecordRelatedDocument,
    refusal === null ? { id } : null,
  )
  const related = data?.possiblyRelated?.nodes ?? []
  const titles = useTitles(related.map((r) => r.goldenId))
  return (
    <section className={css.section} aria-label="Possibly related">
      <h2>Possibly related</h2>
      {refusal && <p className={css.small}>{refusal}</p>}
      {failure && <FailureNote failure={failure} again={again} />}
      {!data && loading && <Skeleton rows={3} slow={slow} />}
      {data && related.length === 0 && <p className={css.small}>No record looks related to it.</p>}
      <ul className={css.plain}>
        {related.map((r) => (
          <li key={r.goldenId}>
            <RecordLink id={r.goldenId} titles={titles} />
            <span className={css.small}>{Math.round(r.probability * 100)} %</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
