import { type Path, scopeOf } from '../../mapping/path.ts'
import { ConnectionError, type Json, type PulledRow } from '../contract.ts'
import type { AnswerMeaning } from '../definition/http.ts'
import type { ObjectDefinition } from '../definition/object.ts'
import type { TemplateValue } from '../definition/template.ts'
import { pathKey, type WriteField } from '../definition/writeFields.ts'
import type { WriteMatch } from '../definition/writeMatch.ts'
import type { WriteRequest } from '../definition/writeRequest.ts'
import { idValues, type ObjectContext, valuesOf } from '../pull/context.ts'
import { idText } from '../pull/rows.ts'
import { withUnknownOutcome } from '../request/failure.ts'
import type { Answered, WriteAttempts } from '../request/requester.ts'
import type { RecordWrite, Writing, WrittenRecord } from '../writing.ts'
import { keyOf, type OpenWrite, openWrite } from './ability.ts'
import { idOfAnswer, isCreated, rowOfAnswer } from './answer.ts'
import { bodyOf, type Placed, writtenValue } from './body.ts'
import { isSame } from './compare.ts'
import { createdElements, type ElementChange, elementChanges, matchWithin } from './elements.ts'
import { type FailWrite, failWrite } from './failWrite.ts'
import { findRecord } from './find.ts'
import { guardUpdate } from './guard.ts'

/** An update that was compared by us is not sent later than this after the comparison. */
const comparedMsMax = 10_000
const alwaysMs = Number.POSITIVE_INFINITY

export interface WritingParts {
  source: string
  /** The objects that are pulled. */
  objects: ReadonlyMap<string, ObjectDefinition>
  contextOf(object: string, signal: AbortSignal): ObjectContext
  settings: ReadonlyMap<string, string>
  /** What an answer means where `write:` does not say otherwise. */
  meaning: AnswerMeaning
}

/** Opens the half of a connection that writes. */
export function openWriting(parts: WritingParts): Writing {
  const { source, objects, contextOf, settings, meaning } = parts
  const opened = new Map(
    [...objects].flatMap(([name, { write }]): [string, OpenWrite][] =>
      write ? [[name, openWrite(write, settings)]] : [],
    ),
  )
  /** Returns what is open of an object; throws where it is not written. */
  const begin = (name: string, record: string, signal: AbortSignal) => {
    const open = opened.get(name)
    const fail = failWrite({ source, object: { name } }, record)
    return open
      ? { ctx: contextOf(name, signal), open, fail }
      : fail('PERMANENT', 'NOT_WRITABLE', 'connection.yaml has no write: for the object', {
          advice: 'leave it out of write: of the source system',
        })
  }

  async function find(name: string, goldenId: string, signal: AbortSignal) {
    const { ctx, open, fail } = begin(name, `golden id ${goldenId}`, signal)
    const { find: request } = open.definition
    if (!request || !open.goldenId)
      return fail('PERMANENT', 'NO_FIND', 'nothing says how a record is found by its golden id', {
        advice: 'add find: to write:, and the setting of the golden id where it has one',
      })
    return await findRecord(ctx, request, { goldenId, path: open.goldenId })
  }

  async function create(asked: RecordWrite, signal: AbortSignal): Promise<WrittenRecord> {
    const { ctx, open, fail } = begin(asked.object, `golden id ${asked.goldenId}`, signal)
    const write = { ...asked, values: { ...open.ability.given, ...asked.values } }
    const { once, needs } = open.definition
    if (!open.create)
      return fail('PERMANENT', 'NO_CREATE', open.ability.refusalOf('', 'create') ?? '')
    const values = createdValues(open, write, fail)
    for (const need of needs)
      if (!values.some(({ path, value }) => value !== null && isSamePath(path, need)))
        fail('PERMANENT', 'VALUE_MISSING', `the system creates no record without ${need.text}`)
    if (once.by !== 'KEY' && open.ability.find) {
      const row = await find(write.object, write.goldenId, signal)
      if (row) return { id: row.id, created: false, written: false, row }
    }
    const attempts: WriteAttempts =
      once.by === 'KEY'
        ? { repeat: true, againMsMax: once.onceMs }
        : { repeat: once.by === 'UPSERT', againMsMax: alwaysMs }
    const answered = await send(ctx, open, open.create, { write, values, attempts })
    const id = idOfAnswer(open.create, answered)
    if (id === null)
      return fail('INVALID', 'ID_MISSING', 'the answer has no id where write: says', {
        outcome: 'UNKNOWN',
      })
    const created = once.by === 'UPSERT' ? isCreated(open.create, answered) : true
    return { id, created, written: true, row: afterWrite(ctx, open.create, answered) }
  }

  async function update(
    given: RecordWrite & { id: string },
    signal: AbortSignal,
  ): Promise<WrittenRecord> {
    const { id, expected } = given
    const write = withWholeGroups(given)
    const { ctx, open, fail } = begin(write.object, `id ${id}`, signal)
    const { match: common, once, updates } = open.definition
    if (updates.length === 0)
      return fail('PERMANENT', 'NO_UPDATE', open.ability.refusalOf('') ?? '')
    if (!expected)
      return fail('PERMANENT', 'NOT_READ', 'an update needs the record on which it was planned')
    const changes = elementChanges(open.definition, write, fail)
    const parts = updates
      .map((request, i) => ({
        request,
        values: placedValues(open, request, write, fail, i === 0),
        // A key stands for one request: a system refuses it for another one.
        key: i === 0 ? write.key : `${write.key}-${i}`,
      }))
      .filter(({ values }) => values.length > 0)
    refuseOthers(open, write, fail)
    let result: WrittenRecord = { id, created: false, written: false, row: null }
    for (const { request, values, key } of parts) {
      const match = request.match ?? common
      const paths = comparedPaths(open, request, values)
      try {
        // Our own first request has changed the version.
        const isCompared = match.how === 'NONE' || match.how === 'VERSION'
        const guard = match.how === 'VERSION' && result.written ? { how: 'NONE' as const } : match
        const guarded = await guardUpdate(ctx, guard, { id, expected, paths })
        if (guarded.row && values.every((v) => holds(guarded.row, v))) {
          result = { ...result, row: guarded.row }
          continue
        }
        const hasKey = once.by === 'KEY' && once.methods.has(request.request.method)
        const answered = await send(ctx, open, request, {
          write: { ...write, key },
          values,
          headers: guarded.headers,
          attempts: {
            // A repetition might replace what another wrote meanwhile, unless the system compares.
            repeat: hasKey || !isCompared,
            againMsMax: isCompared ? comparedMsMax : alwaysMs,
          },
        })
        const row = afterWrite(ctx, request, answered)
        result = { id: idOfAnswer(request, answered) ?? id, created: false, written: true, row }
      } catch (e) {
        // The requests before it are done.
        throw e instanceof ConnectionError && result.written ? withUnknownOutcome(e) : e
      }
    }
    for (const [i, change] of changes.entries()) {
      try {
        const key = `${write.key}-e${i}`
        const isWritten = await changeElement(ctx, open, change, { ...write, key, expected })
        if (isWritten) result = { id, created: false, written: true, row: null }
      } catch (e) {
        throw e instanceof ConnectionError && result.written ? withUnknownOutcome(e) : e
      }
    }
    return result
  }

  /** Adds an element, or gives it another value. Returns false where the record has it already. */
  async function changeElement(
    ctx: ObjectContext,
    open: OpenWrite,
    { element, path, value, names, replaced }: ElementChange,
    write: RecordWrite & { id: string; expected: PulledRow },
  ): Promise<boolean> {
    const { once } = open.definition
    const request = replaced ? element.change : element.add
    if (!request)
      return failWrite(ctx, write.id)('PERMANENT', 'NO_ADD', `nothing is added to ${element.list}`)
    const match: WriteMatch =
      replaced && element.change ? matchWithin(replaced.at, element.change.match) : { how: 'NONE' }
    const { id, expected } = write
    const compared = replaced ? [path, replaced.path] : [path]
    const guarded = await guardUpdate(ctx, match, { id, expected, paths: compared })
    const now = guarded.row && path.first(scopeOf(guarded.row.record))
    if (now !== null && isSame(now, value)) return false
    const hasKey = once.by === 'KEY' && once.methods.has(request.request.method)
    const isCompared = match.how === 'NONE' || match.how === 'VERSION'
    await send(ctx, open, request, {
      ...{ write, values: [], headers: guarded.headers, names: { ...names, ...replaced?.names } },
      // A repeated request might add a second element.
      attempts: { repeat: hasKey || !isCompared, againMsMax: comparedMsMax },
    })
    return true
  }

  /** The values, and the parts of whole groups that had no value: one that came since would be lost. */
  function comparedPaths(
    { definition: { whole } }: OpenWrite,
    { fields }: WriteRequest,
    values: readonly Placed[],
  ): Path[] {
    const written = values.map(({ path }) => path)
    const groups = whole.filter((group) => written.some((p) => p.text.startsWith(`${group}.`)))
    const parts = [...fields.values()].map(({ path }) => path)
    const empty = parts.filter(
      (p) =>
        groups.some((group) => p.text.startsWith(`${group}.`)) &&
        !written.some((w) => isSamePath(w, p)),
    )
    return [...written, ...empty]
  }

  /** Adds the present values of the groups that have to be written as a whole. */
  function withWholeGroups(write: RecordWrite & { id: string }): RecordWrite & { id: string } {
    const { whole, updates } = opened.get(write.object)?.definition ?? { whole: [], updates: [] }
    const values = new Map<string, Json>(Object.entries(write.values))
    for (const group of whole) {
      if (![...values.keys()].some((path) => path.startsWith(`${group}.`))) continue
      for (const { path } of updates.flatMap(({ fields }) => [...fields.values()])) {
        if (!path.text.startsWith(`${group}.`) || values.has(path.text)) continue
        const value = path.first(scopeOf(write.expected?.record)) ?? null
        if (value !== null) values.set(path.text, value as Json)
      }
    }
    return { ...write, values: Object.fromEntries(values) }
  }

  /** Sends a write. Throws ConnectionError. */
  async function send(
    ctx: ObjectContext,
    open: OpenWrite,
    { request, names, meaning: own }: WriteRequest,
    {
      write,
      values,
      headers = new Map(),
      names: more = {},
      attempts,
    }: {
      write: RecordWrite
      values: readonly Placed[]
      /** Further placeholders. */
      names?: Readonly<Record<string, TemplateValue>>
      headers?: ReadonlyMap<string, string>
      attempts: WriteAttempts
    },
  ): Promise<Answered> {
    const { once, record } = open.definition
    const fixed = new Map(headers)
    if (once.by === 'KEY' && once.methods.has(request.method)) fixed.set(once.header, write.key)
    const given: Record<string, TemplateValue> = {
      ...(write.id === null ? {} : idValues(ctx.object, write.id)),
      ...{ goldenId: write.goldenId, writeKey: write.key },
      ...more,
    }
    for (const [name, path] of record) {
      if (!names.has(`record.${name}`)) continue
      const value = values.find((v) => isSamePath(v.path, path))?.value
      const text = idText(value ?? path.first(scopeOf(write.expected?.record)))
      if (text === null)
        return failWrite(ctx, write.id ?? write.goldenId)(
          'PERMANENT',
          'VALUE_MISSING',
          `the request needs ${path.text}`,
        )
      given[`record.${name}`] = text
    }
    return await ctx.requester.ask(
      {
        object: ctx.object.name,
        template: request,
        values: { ...valuesOf(ctx, given), body: bodyOf(values), headers: fixed },
        write: attempts,
        meaning: { ...meaning, ...own, errors: [...(own.errors ?? []), ...meaning.errors] },
      },
      ctx.signal,
    )
  }

  return {
    abilityOf: (name) => opened.get(name)?.ability ?? null,
    find,
    write: (write, signal) =>
      write.id === null ? create(write, signal) : update({ ...write, id: write.id }, signal),
  }

  /** Throws where a value has no place in any request. */
  function refuseOthers(open: OpenWrite, write: RecordWrite, fail: FailWrite): void {
    for (const text of Object.keys(write.values)) {
      const refusal = open.ability.refusalOf(text, write.id === null ? 'create' : 'update')
      if (refusal !== null) fail('PERMANENT', 'FIELD_NOT_WRITABLE', refusal)
    }
  }

  /** Returns the values that one request writes; the golden id is in the first. */
  function placedValues(
    open: OpenWrite,
    { fields, action }: WriteRequest,
    write: RecordWrite,
    fail: FailWrite,
    isFirst = true,
  ): Placed[] {
    const { empty } = open.definition
    const golden = isFirst ? open.goldenField : null
    return Object.entries(write.values).flatMap(([text, value]): Placed[] => {
      const key = keyOf(text)
      const field = (key === null ? null : fields.get(key)) ?? fieldAt(golden, key)
      if (!field || (value === null && action === 'create')) return []
      if (value === null && empty === undefined)
        return fail('PERMANENT', 'CANNOT_EMPTY', `the system cannot empty ${text}`)
      const written = writtenValue(field, value, empty ?? null)
      return [{ path: field.path, steps: field.steps, value: written, wished: value }]
    })
  }

  /** Returns the values of a create, with the golden id unless the request places it by itself. */
  function createdValues(open: OpenWrite, write: RecordWrite, fail: FailWrite): Placed[] {
    if (!open.create) return []
    refuseOthers(open, write, fail)
    const values = [
      ...placedValues(open, open.create, write, fail),
      ...createdElements(open.definition, write, { fail, settings }),
    ]
    const { goldenId } = open
    if (!goldenId || open.create.names.has('goldenId')) return values
    const field = open.create.fields.get(pathKey(goldenId.text)) ?? open.goldenField
    if (!field) return values
    const { path, steps } = field
    const { goldenId: value } = write
    return [
      ...values.filter((v) => !isSamePath(v.path, path)),
      { path, steps, value, wished: value },
    ]
  }
}

function fieldAt(field: WriteField | null, key: string | null): WriteField | null {
  return field !== null && key === pathKey(field.path.text) ? field : null
}

function isSamePath(a: Path, b: Path): boolean {
  return a.text === b.text || pathKey(a.text) === pathKey(b.text)
}

function holds(row: PulledRow | null, { path, wished }: Placed): boolean {
  return row !== null && isSame(path.first(scopeOf(row.record)), wished)
}

/** The write is done: an answer whose record cannot be read is no failure of it. */
function afterWrite(
  ctx: ObjectContext,
  request: WriteRequest,
  answered: Answered,
): PulledRow | null {
  try {
    return rowOfAnswer(ctx, request, answered)
  } catch (e) {
    if (e instanceof ConnectionError) return null
    throw e
  }
}
