import { type Path, scopeOf } from '../../mapping/path.ts'
import type { PulledRow } from '../contract.ts'
import type { RequestTemplate } from '../definition/request.ts'
import type { WriteMatch } from '../definition/writeMatch.ts'
import { idValues, type ObjectContext, valuesOf } from '../pull/context.ts'
import { type ReadAnswer, readAnswered } from '../pull/readRecord.ts'
import { idText } from '../pull/rows.ts'
import { headerText } from '../request/verdict.ts'
import { differences } from './compare.ts'
import { failWrite } from './failWrite.ts'

/** What a guard found before an update. */
export interface Guarded {
  /** Headers with which the system compares by itself. */
  headers: ReadonlyMap<string, string>
  /** The record as it was read just before; null where it was not read. */
  row: PulledRow | null
}

/**
 * Prepares an update: returns the headers by which the system refuses it if the record has changed,
 * or reads the record and compares. Throws ConnectionError; CONFLICT where it has changed.
 */
export async function guardUpdate(
  ctx: ObjectContext,
  match: WriteMatch,
  { id, expected, paths }: { id: string; expected: PulledRow; paths: readonly Path[] },
): Promise<Guarded> {
  const fail = failWrite(ctx, id)
  /** Reads the record. It must have what was expected. */
  const readNow = async (compared: readonly Path[]): Promise<ReadAnswer & { row: PulledRow }> => {
    const found = await readAnswered(ctx, id)
    if (!found) return fail('MISSING', 'RECORD_GONE', 'the record that is to be changed is gone')
    const changed = differences(expected, found.row, compared)
    if (changed.length > 0)
      fail('CONFLICT', 'RECORD_CHANGED', `the record has changed at ${changed.join(', ')}`)
    return found
  }
  switch (match.how) {
    case 'NONE':
      return { headers: new Map(), row: (await readNow(paths)).row }
    case 'VERSION':
      return { headers: new Map(), row: (await readNow([match.version, ...paths])).row }
    case 'SINCE': {
      if (expected.version !== null) return { headers: sinceOf(expected.version), row: null }
      const { row } = await readNow(paths)
      if (row.version === null)
        return fail('INVALID', 'NO_VERSION', 'the record has no time of its last change')
      return { headers: sinceOf(row.version), row }
    }
    case 'ETAG': {
      const known = match.request ? null : etagIn(match.etag, expected.record)
      if (known !== null) return { headers: new Map([['if-match', known]]), row: null }
      // An etag of its own is read first: a change after it is refused by the system.
      const before = match.request ? await ownEtag(match.request, match.etag) : null
      const { row, headers } = await readNow(paths)
      // The header is that of the record: a part of it with an etag of its own has another one.
      const read = match.etag ? etagIn(match.etag, row.record) : headerText(headers, 'etag')
      const etag = before ?? read ?? null
      if (etag === null)
        return fail('INVALID', 'ETAG_MISSING', 'the answer has no etag where match: says')
      return { headers: new Map([['if-match', etag]]), row }
    }
  }

  async function ownEtag(template: RequestTemplate, path: Path | null): Promise<string | null> {
    const answered = await ctx.requester.ask(
      { object: ctx.object.name, template, values: valuesOf(ctx, idValues(ctx.object, id)) },
      ctx.signal,
    )
    return path ? etagIn(path, answered.body) : (headerText(answered.headers, 'etag') ?? null)
  }
}

function etagIn(path: Path | null, record: unknown): string | null {
  return path ? idText(path.first(scopeOf(record))) : null
}

/** HTTP has whole seconds. A part of one is rounded up: rounded down, each write would be refused. */
function sinceOf(version: string): Map<string, string> {
  const second = Math.ceil(Date.parse(version) / 1_000) * 1_000
  return new Map([['if-unmodified-since', new Date(second).toUTCString()]])
}
