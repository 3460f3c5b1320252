import { SaxesParser } from 'saxes'
import { ConnectionError } from '../connection/contract.ts'

/** One object as a list states it. */
export interface ListedObject {
  key: string
  /** With its quotes. */
  etag: string
  bytes: number
  /** Milliseconds since 1970. */
  modifiedAt: number
}

/** Reads the answer of ListObjectsV2. Throws ConnectionError for another answer. */
export function parseList(
  id: string,
  text: string,
): { objects: ListedObject[]; next: string | null } {
  const objects: ListedObject[] = []
  const top = new Map<string, string>()
  let own = new Map<string, string>()
  let root = ''
  const ended = walk(text, (path, value) => {
    root ||= path[0] ?? ''
    if (path.length === 2 && path[1] === 'Contents') {
      objects.push(objectOf(id, own, top.get('EncodingType') === 'url'))
      own = new Map()
    } else if (path.length === 3 && path[1] === 'Contents') own.set(path[2] ?? '', value)
    else if (path.length === 2) top.set(path[1] ?? '', value)
  })
  if (!ended || root !== 'ListBucketResult')
    throw invalid(id, 'the answer is no list of objects; is endpoint: that of S3?')
  const next = top.get('NextContinuationToken') || null
  if (top.get('IsTruncated') === 'true' && next === null)
    throw invalid(id, 'a list that goes on has no NextContinuationToken')
  return { objects, next: top.get('IsTruncated') === 'true' ? next : null }
}

/** Reads code and message of an error; empty where the text is none. */
export function parseError(text: string): { code: string; message: string } {
  const found = new Map<string, string>()
  walk(text, (path, value) => {
    if (path.length === 2 && path[0] === 'Error') found.set(path[1] ?? '', value)
  })
  return { code: found.get('Code') ?? '', message: (found.get('Message') ?? '').slice(0, 300) }
}

function objectOf(id: string, of: ReadonlyMap<string, string>, isEncoded: boolean): ListedObject {
  const key = of.get('Key') ?? ''
  const bytes = Number(of.get('Size') ?? Number.NaN)
  const modifiedAt = Date.parse(of.get('LastModified') ?? '')
  const etag = of.get('ETag') ?? ''
  if (key === '' || !Number.isSafeInteger(bytes) || Number.isNaN(modifiedAt) || etag === '')
    throw invalid(id, `an object of the list has no Key, Size, ETag or LastModified`)
  return { key: isEncoded ? decoded(id, key) : key, etag, bytes, modifiedAt }
}

function decoded(id: string, key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch (e) {
    if (!(e instanceof URIError)) throw e
    throw invalid(id, `the key ${key} is not encoded as the list says`)
  }
}

/**
 * Calls `onEnd` with the path of names and the text of each element as it ends. Returns whether the
 * document is complete.
 */
function walk(text: string, onEnd: (path: readonly string[], value: string) => void): boolean {
  const parser = new SaxesParser()
  const path: string[] = []
  let value = ''
  let isSound = true
  parser.on('error', () => {
    isSound = false
  })
  parser.on('opentag', ({ name }) => {
    path.push(name)
    value = ''
  })
  parser.on('text', (part) => {
    value += part
  })
  parser.on('closetag', () => {
    onEnd(path, value)
    path.pop()
    value = ''
  })
  parser.write(text).close()
  return isSound && text.trim() !== ''
}

function invalid(id: string, what: string): ConnectionError {
  return new ConnectionError('INVALID', 'INVALID_ANSWER', `${id}: ${what}`)
}
