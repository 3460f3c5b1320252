import { isDeepStrictEqual } from 'node:util'
import type { Canonical } from '../../connectors/contract.ts'
import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import type { WrittenValue } from '../echo/echo.ts'
import { heldRaw } from '../echo/heldRaw.ts'

type Raw = Record<string, unknown>

/**
 * Maps a record that a write created, as its system itself states it. The system never showed the
 * record without what was written, so a value that only stands in for a written one (the id for the
 * name) is no statement. Nor is one that the mapping gives to every record: without the write there
 * would be none. `raw` is the record without the written values.
 */
export function mapCreated(
  map: (raw: Raw) => Canonical,
  raw: Raw,
  written: readonly WrittenValue[],
): Canonical {
  const [own, held, nothing] = [map(raw), map(heldRaw(raw, written)), map({})]
  const fields: Canonical['fields'] = {}
  const dropped: string[] = []
  for (const [name, value] of Object.entries(own.fields)) {
    const stated = isDeepStrictEqual(value, ownValue(nothing.fields, name))
      ? undefined
      : commonPart(value, ownValue(held.fields, name))
    if (stated === undefined) dropped.push(name)
    else setOwn<unknown>(fields, name, stated)
  }
  const missing = nothing.issues.filter((i) => i.code === 'REQUIRED' && dropped.includes(i.field))
  return {
    ...own,
    fields,
    issues: [...own.issues, ...missing],
    complete: own.complete && missing.length === 0,
  }
}

/** Returns what a value has in common with another: elements of a list, parts of a group. */
function commonPart(value: unknown, other: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(other)) {
    const both = value.filter((v) => other.some((o) => isDeepStrictEqual(v, o)))
    return both.length > 0 ? both : undefined
  }
  if (isGroup(value) && isGroup(other)) {
    const both = Object.entries(value).filter(([part, v]) =>
      isDeepStrictEqual(v, ownValue(other, part)),
    )
    return both.length > 0 ? Object.fromEntries(both) : undefined
  }
  return isDeepStrictEqual(value, other) ? value : undefined
}

function isGroup(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
