import { useQuery } from '../graph/useQuery.ts'
import { Button } from '../parts/button.tsx'
import { FailureNote, Skeleton, SlowNote } from '../parts/states.tsx'
import { codeWords, fieldWords } from '../parts/valueText.ts'
import { PolicyMatchingDocument, PolicySweepDocument } from './policy.generated.ts'
import css from './policy.module.css'
import type { PolicyState } from './state.ts'

/** Bits at which a bar is as long as its half. */
const bitsOfBar = 16

/** How the records of a type are matched: the sweep of the threshold, and the weight of each level. */
export function Matching({
  types,
  type,
  change,
}: {
  types: readonly string[]
  type: string
  change: (part: Partial<PolicyState>) => void
}) {
  const loaded = useQuery(PolicyMatchingDocument, { type })
  const found = loaded.data?.matching
  return (
    <div className={css.part}>
      <div role="group" aria-label="Types" className={css.line}>
        {types.map((name) => (
          <Button key={name} pressed={name === type} onPress={() => change({ type: name })}>
            {name}
          </Button>
        ))}
      </div>
      {loaded.failure && <FailureNote failure={loaded.failure} again={loaded.again} />}
      <SlowNote slow={loaded.slow} />
      {!found && loaded.loading && <Skeleton rows={12} />}
      {!found && !loaded.loading && !loaded.failure && (
        <p>
          How records are matched concerns every record, and is not shown to callers with row
          rights.
        </p>
      )}
      {found && (
        <>
          <p>
            Two records are one from {bits(found.threshold)}, and a pair is stored from{' '}
            {bits(found.linkThreshold)}. Before any comparison it has {bits(found.prior)}.
          </p>
          <Sweep type={type} />
          <h2>What each comparison weighs</h2>
          <table className={css.table}>
            <caption className="visually-hidden">Comparisons with the weight of each level</caption>
            <thead>
              <tr>
                <th scope="col">Comparison</th>
                <th scope="col">Level</th>
                <th scope="col">Against and for</th>
                <th scope="col" className={css.number}>
                  Bits
                </th>
                <th scope="col" className={css.number}>
                  Matches
                </th>
                <th scope="col" className={css.number}>
                  Others
                </th>
              </tr>
            </thead>
            {found.comparisons.map((c) => (
              <tbody key={`${c.name} ${c.dimension}`}>
                {c.levels.map((level, n) => (
                  <tr key={level.name}>
                    {n === 0 && (
                      <th scope="rowgroup" rowSpan={c.levels.length}>
                        {fieldWords(c.name)}
                        {c.dimension !== c.name && ` · ${c.dimension}`}
                        {c.fields.length > 1 && (
                          <span className={css.small}> {c.fields.map(fieldWords).join(', ')}</span>
                        )}
                      </th>
                    )}
                    <td>{codeWords(level.name)}</td>
                    <td className={css.track}>
                      <Bar bits={level.weight} />
                    </td>
                    <td className={css.number}>{signed(level.weight)}</td>
                    <td className={css.number}>{share(level.m)}</td>
                    <td className={css.number}>{share(level.u)}</td>
                  </tr>
                ))}
              </tbody>
            ))}
          </table>
        </>
      )}
    </div>
  )
}

/** It reads every link, so it has its own query and fails alone. */
function Sweep({ type }: { type: string }) {
  const loaded = useQuery(PolicySweepDocument, { type })
  const found = loaded.data?.matching
  if (!found)
    return loaded.failure ? (
      <FailureNote failure={loaded.failure} again={loaded.again} />
    ) : (
      <Skeleton rows={6} slow={loaded.slow} />
    )
  if (found.sweep.every((t) => t.pairs === 0))
    return (
      <p>
        No two records of this type are alike enough to be linked, so no threshold can be swept.
      </p>
    )
  return (
    <>
      <h2>What other thresholds would give</h2>
      <table className={css.table}>
        <caption className={css.small}>
          As the model expects it of each stored pair alone. Labelled pairs measure it: see
          Training.
        </caption>
        <thead>
          <tr>
            <th scope="col">Threshold</th>
            <th scope="col" className={css.number}>
              Pairs
            </th>
            <th scope="col" className={css.number}>
              Expected precision
            </th>
            <td className={css.share} />
            <th scope="col" className={css.number}>
              Expected recall
            </th>
            <td className={css.share} />
          </tr>
        </thead>
        <tbody>
          {found.sweep.map((t) => (
            <tr key={t.weight} data-current={t.weight === found.threshold || undefined}>
              <th scope="row">
                {bits(t.weight)}
                {t.weight === found.threshold && ' ● in force'}
              </th>
              <td className={css.number}>{t.pairs.toLocaleString('en')}</td>
              <Share of={t.precision} />
              <Share of={t.recall} />
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

function Share({ of }: { of: number | null }) {
  return (
    <>
      <td className={css.number}>{of === null ? '–' : share(of)}</td>
      <td className={css.share}>
        <span className={css.fill} style={{ width: `${(of ?? 0) * 100}%` }} aria-hidden="true" />
      </td>
    </>
  )
}

function Bar({ bits }: { bits: number }) {
  const width = Math.min(50, (Math.abs(bits) / bitsOfBar) * 50)
  return (
    <span
      className={css.bar}
      data-for={bits > 0 || undefined}
      style={bits > 0 ? { left: '50%', width: `${width}%` } : { right: '50%', width: `${width}%` }}
      aria-hidden="true"
    />
  )
}

function bits(weight: number): string {
  return `${weight.toFixed(1).replace('-', '−')} bits`
}

function signed(weight: number): string {
  return `${weight < 0 ? '−' : '+'}${Math.abs(weight).toFixed(1)}`
}

/** Returns a share in percent, with as many digits as small ones need. */
function share(of: number): string {
  const percent = of * 100
  return `${percent >= 10 || percent === 0 ? percent.toFixed(1) : percent.toPrecision(2)} %`
}
