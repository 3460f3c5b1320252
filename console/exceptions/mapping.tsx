import { Scroll } from '../parts/scroll.tsx'
import { fieldWords, valueText } from '../parts/valueText.ts'
import type { ExceptionMappingFragment } from './exceptions.generated.ts'
import css from './exceptions.module.css'

type Mapped = ExceptionMappingFragment['records'][number]
type Step = Mapped['steps'][number]

/** How a payload becomes canonical fields: a line for each field, and where it fails. */
export function Mapping({ mapping, title }: { mapping: ExceptionMappingFragment; title: string }) {
  const problems = problemsOf(mapping)
  return (
    <section className={css.mapping} aria-label={title}>
      <h2>{title}</h2>
      {mapping.code !== null && (
        <p className={css.problem}>
          <span aria-hidden="true">✗ </span>
          {mapping.code === 'MISSING_SCOPE' ? '' : 'It cannot be read: '}
          <code>{mapping.code}</code> {mapping.detail}
        </p>
      )}
      {mapping.code === null && problems.length === 0 && (
        <p className={css.good}>
          <span aria-hidden="true">✓ </span>The mapping finds no problem in it.
        </p>
      )}
      {problems.map((p) => (
        <p key={p.key} className={css.problem}>
          <span aria-hidden="true">✗ </span>
          {p.line && <code>{p.line}</code>} <b>{fieldWords(p.field)}</b>: {p.detail}
        </p>
      ))}
      {mapping.records.map((record) => (
        <MappedRecord key={`${record.object} ${record.recordId}`} record={record} />
      ))}
    </section>
  )
}

/** Returns whether a payload would be applied: it can be read, and each record is complete. */
export function isApplicable({ code, records }: ExceptionMappingFragment): boolean {
  return code === null && records.length > 0 && records.every((r) => r.complete)
}

function problemsOf({ records }: ExceptionMappingFragment) {
  return records.flatMap((r, n) =>
    r.steps.flatMap((s) =>
      s.issues.map((i) => ({
        key: `${n} ${s.field} ${i.field} ${i.code}`,
        line: s.line,
        field: i.field,
        detail: i.detail,
      })),
    ),
  )
}

function MappedRecord({ record }: { record: Mapped }) {
  return (
    <>
      <p className={css.small}>
        {record.object} <b>{record.recordId}</b> becomes {record.type}
        {record.deleted && ', deleted'}
        {record.partial && '; fields that it does not state keep their values'}
        {!record.complete && '; it is incomplete'}
      </p>
      <Scroll title={`Fields of ${record.object} ${record.recordId}`}>
        <table className={css.steps}>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Reads</th>
              <th scope="col">Gives</th>
              <th scope="col">Line</th>
            </tr>
          </thead>
          <tbody>
            {record.steps.map((step, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a field may have two steps; they never move
              <StepRow key={n} step={step} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}

function StepRow({ step }: { step: Step }) {
  const fails = step.issues.length > 0
  return (
    <tr data-fails={fails || undefined}>
      <th scope="row">
        {fails && <span aria-hidden="true">✗ </span>}
        {fieldWords(step.field)}
      </th>
      <td>
        {step.hidden ? (
          <i className={css.small}>hidden: no right to see it</i>
        ) : (
          step.reads.map((read, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a path may be read twice; they never move
            <div key={n}>
              <code>{read.path}</code>{' '}
              {valueText(read.values) ?? <i className={css.small}>nothing there</i>}
            </div>
          ))
        )}
        {!step.hidden && step.reads.length === 0 && (
          <i className={css.small}>{step.line === null ? 'no rule' : 'no path'}</i>
        )}
      </td>
      <td>
        {step.hidden ? (
          <i className={css.small}>hidden</i>
        ) : (
          (valueText(step.value) ?? <i className={css.small}>no value</i>)
        )}
        {step.issues.map((i) => (
          <div key={`${i.field} ${i.code}`} className={css.bad}>
            <code>{i.code}</code> {i.detail}
          </div>
        ))}
      </td>
      <td>
        {step.line ? <code>{step.line}</code> : <i className={css.small}>none</i>}
        {step.rule !== null && step.rule !== undefined && (
          <div className={css.rule}>{ruleText(step.rule)}</div>
        )}
      </td>
    </tr>
  )
}

function ruleText(rule: unknown): string {
  return typeof rule === 'string' ? rule : JSON.stringify(rule)
}
