import { createHash } from 'node:crypto'
import { storable } from '../../schema/storable.ts'
import type { Connector, InboundMessage } from '../contract.ts'
import { MessageError } from '../contract.ts'
import type { FileRow } from './fileRow.ts'
import type { HasId } from './header.ts'

/** The only member of a message that holds a row with its location. */
const MEMBER = '$row'

/**
 * A row that was not usable when it was loaded, with its location. Either it has a record, which is
 * read again when it is applied (the mapping may have changed), or it never can be one.
 */
interface LocatedRow {
  file: string
  /** 0 where the whole file is meant. */
  line: number
  record?: Record<string, unknown>
  code?: string
  problem?: string
  content?: unknown
}

/**
 * Returns the record in the body of a row, and adds file and line to the errors of `read`. Throws
 * MessageError for a row that cannot be a record.
 */
export function readLocated<T>(
  body: Record<string, unknown>,
  read: (record: Record<string, unknown>) => T,
): T {
  const row = locatedRow(body)
  if (!row) return read(body)
  const at = row.line === 0 ? row.file : `${row.file}, line ${row.line}`
  if (!row.record)
    throw new MessageError(row.code ?? 'BROKEN_ROW', `${at}: ${row.problem ?? 'not a record'}`)
  try {
    return read(row.record)
  } catch (e) {
    if (!(e instanceof MessageError)) throw e
    const { object, sourceId, field } = e.at
    throw new MessageError(e.code, `${at}: ${e.message}`, {
      ...(object ? { object } : {}),
      ...(sourceId ? { sourceId } : {}),
      ...(field ? { field } : {}),
    })
  }
}

function locatedRow(body: Record<string, unknown>): LocatedRow | null {
  if (!Object.hasOwn(body, MEMBER)) return null
  const row = body[MEMBER] as Partial<LocatedRow> | null
  const known =
    Object.keys(body).length === 1 &&
    typeof row === 'object' &&
    typeof row?.file === 'string' &&
    typeof row.line === 'number'
  return known ? (row as LocatedRow) : null
}

type Reader = Pick<Connector, 'read' | 'split' | 'objectName'>

/**
 * Returns the messages of a row. A row that cannot be used as it is becomes a message that names
 * its file and line, and an exception when it is applied. Its key does not depend on these, so that
 * a file can be loaded again after lines were added.
 */
export function messagesOfRow(
  connector: Reader,
  row: FileRow,
  file: string,
  object: string | null,
): InboundMessage[] {
  const located = (more: Partial<LocatedRow>) =>
    JSON.stringify({ [MEMBER]: { file, line: row.at, ...more } })
  const broken = (code: string, problem: string, content: unknown): InboundMessage[] => [
    {
      messageId: `row:${hash(`${object ?? ''}\u0000${code}\u0000${row.text}`)}`,
      object,
      format: 'row',
      body: storable(located({ code, problem, content })),
    },
  ]
  if (row.problem !== undefined) return broken('BROKEN_ROW', row.problem, JSON.parse(row.text))
  let messages: InboundMessage[]
  try {
    // A list as a row is a fault of the file, so it is not split here.
    if (row.text.startsWith('['))
      return broken('NOT_AN_OBJECT', 'the row is a list, not one record', row.text)
    messages = connector.split(row.text, object, null)
  } catch (e) {
    if (!(e instanceof MessageError)) throw e
    return broken(e.code, e.message, row.text)
  }
  return messages.map((message) => {
    const fault = message.format === 'row' ? faultOf(connector, message) : null
    if (fault === null) return message
    const body =
      message.body.trimStart().startsWith('{') && fault.code !== TOTAL
        ? // The text stays as it is: parsing would cost the digits of long numbers.
          `${located({}).slice(0, -2)},"record":${message.body}}}`
        : storable(located({ code: fault.code, problem: fault.message, content: message.body }))
    return { ...message, body }
  })
}

/** Returns the message about a whole file, which becomes an exception when it is applied. */
export function messageOfFile(
  object: string | null,
  file: string,
  key: string,
  { code, problem }: { code: string; problem: string },
): InboundMessage {
  const row: LocatedRow = { file, line: 0, code, problem }
  return {
    messageId: `file:${key}`,
    object,
    format: 'row',
    body: storable(JSON.stringify({ [MEMBER]: row })),
  }
}

const TOTAL = 'TOTAL_ROW'
/** Words that rows of totals have in place of an id. */
const TOTALS =
  /^(?:(?:grand |sub[- ]?|report |overall )?totals?(?: (?:general|général|geral|generale))?|(?:gesamt|zwischen)?summe|gesamt(?:betrag|ergebnis)|insgesamt|sous-total|total général|somme|totale|(?:sub)?totaal|suma|razem|итого|всего|合計|小計|总计|小计)(?: ?\(.*\))?:?$/iu

function faultOf(connector: Reader, message: InboundMessage): MessageError | null {
  try {
    const changes = connector.read(message.format, message.body, message.object)
    const total = changes.find((c) => TOTALS.test(c.sourceId))
    return total
      ? new MessageError(TOTAL, `the id is "${total.sourceId}", as in a row of totals`)
      : null
  } catch (e) {
    if (!(e instanceof MessageError)) throw e
    return e
  }
}

/** Returns how to find out whether a row has an id of the object; used to find the header. */
export function idFinder(connector: Reader, object: string | null): HasId {
  const base = object === null ? null : connector.objectName(object)
  return (row) => {
    try {
      for (const m of connector.split(JSON.stringify(row), object, null))
        connector.read(m.format, m.body, m.object)
      return true
    } catch (e) {
      if (!(e instanceof MessageError)) throw e
      // An object that is derived from the row may lack its id in a row that has its own.
      return e.code !== 'MISSING_ID' || (base !== null && e.at.object !== base)
    }
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
