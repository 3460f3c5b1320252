import type { Json } from '../../../connectors/connection/row.ts'
import type { Canonical, RecordChange } from '../../../connectors/contract.ts'
import {
  compact,
  type FoldedWritten,
  foldWritten,
  type WrittenRecord,
} from '../../../mdm/ingest/foldWritten.ts'
import {
  type FoldedMessage,
  foldChange,
  type Reader,
  type TieReader,
} from '../../../mdm/ingest/ties.ts'
import type { RecordState } from '../../../mdm/records/fold.ts'
import { NEVER } from '../../../mdm/records/stamp.ts'
import { recordKey } from '../../../schema/recordKey.ts'

export type Fields = Record<string, unknown>

export interface Stated {
  /** Microseconds; null for a system without versions. */
  version: number | null
  fields: Fields
  partial?: boolean
  deleted?: boolean
  /** Place in the order of arrival; the message that a correction corrects. */
  arrival: number
  corrects?: number
  /** Microseconds of arrival, which a system without versions counts by. */
  at?: number
}

const key = recordKey('crm', 'Account', '1')
/** Fields that nothing is made of, as the time of a change. */
const unmapped = new Set(['modified', 'note'])

/**
 * Phones are the same by their digits, those of the list `numbers` too; `modified` and `note` are
 * mapped to nothing.
 */
export const reader: Reader = {
  read(_format, body): RecordChange[] {
    const { version, ...change } = JSON.parse(body) as Omit<RecordChange, 'version'> & {
      version: string | null
    }
    return [{ ...change, version: version === null ? null : BigInt(version) }]
  },
  map(object, raw): Canonical {
    const fields = Object.entries(raw)
      .filter(([name, value]) => !unmapped.has(name) && value !== null && value !== '')
      .map(([name, value]) => [
        name,
        name === 'phone' && typeof value === 'string'
          ? digits(value)
          : name === 'numbers' && Array.isArray(value)
            ? value.flatMap(({ text }: { text?: string | null }) => (text ? digits(text) : []))
            : value,
      ])
    return { type: object, fields: Object.fromEntries(fields), issues: [], complete: true }
  },
}

const digits = (text: string) => text.replace(/\D/g, '')

const noTies: TieReader = { message: () => null, delivery: () => null }

/** One record of a source system as the ingest holds it, with what was written to it. */
export class WrittenTarget {
  state: RecordState | null = null
  record: WrittenRecord | null = null
  readonly messages = new Map<number, FoldedMessage>()
  private intents = 0

  /** Notes a write as saveWritten does. `appliedAt` in microseconds; null while nobody knows. */
  write(values: Record<string, Json>, appliedAt: number | null = null): number {
    const intentId = ++this.intents
    const { state } = this
    const at: [number, string] = state ? [state.version, state.tie] : NEVER
    this.record ??= {
      values: [],
      base: { state, upTo: at, states: {} },
      newest: at,
      messages: [],
    }
    const since = Math.max(state?.version ?? NEVER[0], this.record.newest[0])
    const written = Object.entries(values).map(([path, value]) => ({
      intentId,
      path,
      value,
      since,
      appliedAt,
      state: 'WRITTEN' as const,
    }))
    this.record = { ...this.record, values: [...this.record.values, ...written] }
    return intentId
  }

  /** Notes the outcome of a write: when it was confirmed, or null if it was not applied. */
  settle(intentId: number, appliedAt: number | null): void {
    if (!this.record) return
    const values = this.record.values.flatMap((v) =>
      v.intentId !== intentId ? [v] : appliedAt === null ? [] : [{ ...v, appliedAt }],
    )
    this.record = { ...this.record, values }
  }

  /** Folds what the system states; returns why it was skipped. */
  receive(stated: Stated): FoldedWritten['skipped'] {
    const { version, fields, partial = false, deleted = false, arrival, corrects } = stated
    const change: RecordChange = {
      object: 'Account',
      sourceId: '1',
      version: version === null ? null : BigInt(version),
      deleted,
      partial,
      raw: fields,
    }
    const message: FoldedMessage = {
      inboxId: arrival,
      source: 'crm',
      object: 'Account',
      format: 'row',
      body: JSON.stringify({ ...change, version: version === null ? null : String(version) }),
      correlationId: `delivery ${arrival}`,
      receivedAt: new Date((stated.at ?? 0) / 1_000),
      corrects: corrects ?? null,
      statedAt: null,
    }
    this.messages.set(arrival, message)
    const item = { key, message, change }
    if (!this.record) {
      const result = foldChange(this.state, item, reader, noTies)
      this.state = result.state ?? this.state
      return result.skipped
    }
    const result = foldWritten(this.state, item, reader, noTies, this.record, this.messages)
    this.record = compact(key, reader, noTies, result.record, this.messages)
    this.state = result.state ?? this.state
    return result.skipped
  }

  get own(): Fields {
    return Object.fromEntries(Object.entries(this.state?.raw ?? {}).sort())
  }
}
