import { styleText } from 'node:util'
import { ownValue } from '../../../schema/kit/dictionary.ts'

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

/** Formats an item as a line for people; with `colour` for a terminal. */
export function formatTailItem(item: TailItem, colour: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text
  const what = (type: string, id: string, version: number, values: Values | null) =>
    `${type} ${paint('bold', nameOf(values) ?? id)}${nameOf(values) === null ? '' : paint('dim', ` ${id}`)} v${version}`
  switch (item.__typename) {
    case 'CaughtUp':
      return paint('dim', `-- caught up at ${item.position}`)
    case 'Lagged':
      return paint(
        'red',
        `-- lagged: ${item.missed} positions expired before they were read; take a new snapshot`,
      )
    case 'Snapshot':
      return `${place(item.position)}  ${'SNAPSHOT'.padEnd(8)} ${what(item.type, item.goldenId, item.version, item.values)}`
    case 'Change': {
      const { before, after, cause } = item
      const from = [cause.system, cause.object, cause.recordId].filter((p) => p !== null).join(' ')
      const fields = item.redirect
        ? `-> ${item.redirect}`
        : before && after
          ? changes(item.changedFields, before, after)
          : ''
      const op = paint(OPERATION_STYLES.get(item.op) ?? 'white', item.op.padEnd(8))
      return [
        `${place(item.position)}  ${paint('dim', item.at)}  ${op} ${what(item.type, item.goldenId, item.version, after ?? before)}`,
        fields,
        paint('dim', `(${from})`),
      ]
        .filter((part) => part !== '')
        .join('  ')
    }
  }
}

const OPERATION_STYLES = new Map<string, Parameters<typeof styleText>[0]>(
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
  return typeof name === 'string' ? printable(name) : null
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
  return printable(
    whole.length > valueCharactersMax ? `${whole.slice(0, valueCharactersMax - 1)}…` : whole,
  )
}

/** Escapes a value of another system, so that it cannot control the terminal. */
function printable(value: string): string {
  return value.replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
}
