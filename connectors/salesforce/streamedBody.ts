import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { StreamedEvent } from '../connection/stream/contract.ts'
import { MessageError } from '../contract.ts'
import { isMap } from '../mapping/rule.ts'
import { fieldNames } from './avro.ts'

const LISTS = ['changedFields', 'nulledFields', 'diffFields']

/**
 * Writes the message of an event of the Pub/Sub API, in the form of a relay. The lists of the header
 * get the names of fields, so that the schema need not be stored with each event.
 */
export function streamedBody({ id, position, payload, schema, problem }: StreamedEvent): string {
  const event = { EventUuid: id, replayId: position }
  if (problem !== null) return JSON.stringify({ event, undecoded: payload, problem })
  const header = isMap(payload) ? payload.ChangeEventHeader : null
  if (!isMap(payload) || !isMap(header)) return JSON.stringify({ event, payload })
  const named = new Map(Object.entries(header))
  for (const list of LISTS) {
    const value = ownValue(header, list)
    if (value === undefined) continue
    try {
      named.set(list, fieldNames(list, value, schema, dataText(header.entityName ?? '')))
    } catch (e) {
      // The bitmap stays: reading the message says what is wrong with it.
      if (!(e instanceof MessageError)) throw e
    }
  }
  const ChangeEventHeader = Object.fromEntries(named)
  return JSON.stringify({ event, payload: { ...payload, ChangeEventHeader } })
}
