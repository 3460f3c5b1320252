import type { PulledRow } from '../../connectors/connection/contract.ts'
import { type Connector, type InboundMessage, MessageError } from '../../connectors/contract.ts'
import { pulledMessage, type Restatement } from '../../connectors/pulledMessage.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { StatedRow } from './restate.ts'

export type RowReader = Pick<
  Connector,
  'read' | 'map' | 'objects' | 'objectName' | 'system' | 'held'
>

/** A row of a page with its message, and what the mapping reads in it. */
export interface ReadRow {
  row: PulledRow
  message: InboundMessage
  stated: StatedRow
  /** Returns the message of a row that is stated again. */
  restate(restated: Restatement): InboundMessage
}

/** Reads the rows of a page. It needs no database, so it goes on while another page is stored. */
export function readRows(source: string, reader: RowReader, rows: readonly PulledRow[]): ReadRow[] {
  return rows.map((row) => {
    const message = pulledMessage(row)
    return {
      row,
      message,
      stated: stateOf(source, reader, row.object, message),
      restate: (restated) => pulledMessage(row, restated),
    }
  })
}

/** Returns a row of an object as its message states it. */
export function stateOf(
  source: string,
  reader: RowReader,
  named: string,
  message: InboundMessage,
): StatedRow {
  try {
    const object = reader.objectName(named)
    const change = reader.read('row', message.body, named).find((c) => c.object === object)
    if (change)
      return {
        messageId: message.messageId,
        key: recordKey(source, change.object, change.sourceId),
        version: change.version === null ? null : Number(change.version),
        deleted: change.deleted,
        raw: change.raw,
      }
  } catch (e) {
    if (!(e instanceof MessageError)) throw e
  }
  return { messageId: message.messageId, key: null, version: null, deleted: false, raw: {} }
}
