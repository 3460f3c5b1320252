import type { PulledRow } from '../../connectors/connection/contract.ts'
import { type Connector, type InboundMessage, MessageError } from '../../connectors/contract.ts'
import { pulledMessage } from '../../connectors/pulledMessage.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { StatedRow } from './restate.ts'

export type RowReader = Pick<Connector, 'read' | 'objects' | 'objectName' | 'system' | 'held'>

/** A row of a page with its message, and what the mapping reads in it. */
export interface ReadRow {
  row: PulledRow
  message: InboundMessage
  stated: StatedRow
}

/** Reads the rows of a page. It needs no database, so it goes on while another page is stored. */
export function readRows(source: string, reader: RowReader, rows: readonly PulledRow[]): ReadRow[] {
  return rows.map((row) => {
    const message = pulledMessage(row)
    return { row, message, stated: stateOf(source, reader, row, message) }
  })
}

/** Returns a row as its message states it. */
function stateOf(
  source: string,
  reader: RowReader,
  row: PulledRow,
  message: InboundMessage,
): StatedRow {
  try {
    const object = reader.objectName(row.object)
    const change = reader.read('row', message.body, row.object).find((c) => c.object === object)
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
