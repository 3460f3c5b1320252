import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Line, Styled } from '../../terminal/print.ts'

/** The fields that `tail` selects of each item. */
export type TailItem =
  | { __typename: 'CaughtUp'; cursor: string; position: number }
  | { __typename: 'Lagged'; cursor: string; missed: number }
  | {
      __typename: 'Snapshot'
      cursor: string
      goldenId: string
      type: string
      version: number
      position: number
      values: Values
    }
  | {
      __typename: 'Change'
      cursor: string
      position: number
      op: string
      goldenId: string
      type: string
      version: number
      before: Values | null
      after: Values | null
      changedFields: string[]
      redirect: string | null
      cause: {
        system: string
        object: string | null
        recordId: string | null
        correlationId: string | null
      }
      at: string
    }
type Values = Record<string, unknown>

/** Maximum characters of one value on a line. */
const valueCharactersMax = 48
/** Maximum changed fields on a line; the others are counted. */
const fieldsShownMax = 6

/** Formats an item as a line for people, in parts that a terminal can paint. */
export function formatTailItem(item: TailItem): Line {
  switch (item.__typename) {
    case 'CaughtUp':
      return [{ style: 'dim', text: `-- caught up at ${item.position}` }]
    case 'Lagged':
      return [
        {
          style: 'red',
          text: `-- lagged: ${item.missed} positions expired before they were read; take a new snapshot`,
        },
      ]
    case 'Snapshot':
      return [`${place(item.position)}  ${'SNAPSHOT'.padEnd(8)} `, ...thing(item, item.values)]
    case 'Change': {
      const { before, after, cause } = item
      const from = [cause.system, cause.object, cause.recordId].filter((p) => p !== null).join(' ')
      const fields = item.redirect
        ? `-> ${item.redirect}`
        : before && after
          ? changes(item.changedFields, before, after)
          : ''
      return [
        `${place(item.position)}  `,
        { style: 'dim', text: item.at },
        '  ',
        { style: OPERATION_STYLES.get(item.op) ?? 'white', text: item.op.padEnd(8) },
        ' ',
        ...thing(item, after ?? before),
        fields === '' ? '' : `  ${fields}`,
        '  ',
        { style: 'dim', text: `(${from})` },
      ]
    }
  }
}

function thing(
  { type, goldenId, version }: { type: string; goldenId: string; version: number },
  values: Values | null,
): (string | Styled)[] {
  const name = nameOf(values)
  return [
    `${type} `,
    { style: 'bold', text: name ?? goldenId },
    name === null ? '' : { style: 'dim', text: ` ${goldenId}` },
    ` v${version}`,
  ]
}

const OPERATION_STYLES = new Map<string, Styled['style']>(
  Object.entries({
    CREATED: 'green',
    UPDATED: 'blue',
    MERGED: 'magenta',
    SPLIT: 'yellow',
    DELETED: 'red',
  }),
)

function place(position: number): string {
  return String(position).padStart(9)
}

function nameOf(values: Values | null): string | null {
  const name = values?.name ?? values?.number
  return typeof name === 'string' ? name : null
}

function changes(fields: string[], before: Values, after: Values): string {
  const shown = fields
    .slice(0, fieldsShownMax)
    .map((f) => `${f}: ${text(ownValue(before, f))} -> ${text(ownValue(after, f))}`)
  const rest = fields.length - shown.length
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ')
}

function text(value: unknown): string {
  const whole = value === undefined || value === null ? '-' : JSON.stringify(value)
  return whole.length > valueCharactersMax ? `${whole.slice(0, valueCharactersMax - 1)}…` : whole
}
