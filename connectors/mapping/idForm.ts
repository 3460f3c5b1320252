import { normalId } from '../../schema/kit/normalText.ts'

/** Normal forms of source ids, so that two spellings of one id are one record. */
export const ID_FORMS = {
  text: normalId,
  salesforce: (id: string) => to18(normalId(id)),
  guid: (id: string) => plainGuid(normalId(id)),
} as const

export type IdForm = keyof typeof ID_FORMS

/** Returns a GUID in lower case and without braces; other ids are unchanged. */
function plainGuid(id: string): string {
  const guid = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i.exec(id)?.[1]
  return guid === undefined ? id : guid.toLowerCase()
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'

/**
 * Returns a Salesforce id of 15 characters with its checksum: one character for each five, whose
 * bits mark the capitals among them. So ids that differ only in case stay distinct where case is
 * lost. Other ids are unchanged, but for the @ of a reference within a tree export.
 */
function to18(id: string): string {
  if (id.startsWith('@')) return id.slice(1)
  if (!/^[A-Za-z0-9]{15}$/.test(id) || !/\d/.test(id)) return id
  let suffix = ''
  for (let block = 0; block < 15; block += 5) {
    let bits = 0
    for (let i = 0; i < 5; i++) if (/[A-Z]/.test(id[block + i] ?? '')) bits |= 1 << i
    suffix += ALPHABET[bits]
  }
  return id + suffix
}
