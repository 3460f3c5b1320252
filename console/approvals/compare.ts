import { titleIn } from '../parts/effect.tsx'
import { valueText } from '../parts/valueText.ts'
import type { ApprovalQuery } from './approvals.generated.ts'

export type Shown = NonNullable<ApprovalQuery['stewardAction']>
export type Preview = NonNullable<ApprovalQuery['previewProposal']>

/** One record at one time. */
export interface Column {
  key: string
  title: string
  /** When: as the author saw it, now, or after the approval. */
  when: 'SEEN' | 'NOW' | 'AFTER'
  /** Number of the version; null for one that does not exist yet. */
  version: number | null
  values: Record<string, unknown>
}

/** More records are listed, and not compared in columns. */
export const columnsMax = 6

/** Returns whether a record has another version than the author saw. */
export function isStale(seen: readonly { version: number; currentVersion: number }[]): boolean {
  return seen.some((s) => s.version !== s.currentVersion)
}

/**
 * Returns what the author saw, and beside it what the approval would do now. If a record changed
 * since, the approval does nothing: then its present values stand there.
 */
export function columnsOf(action: Shown, preview: Preview | null): Column[] {
  const seen = action.seen.map((s): Column => {
    const values = (s.values ?? {}) as Record<string, unknown>
    return {
      key: `seen ${s.goldenId}`,
      title: titleIn(values) ?? s.type,
      when: 'SEEN',
      version: s.version,
      values,
    }
  })
  const now = action.seen
    .filter((s) => s.version !== s.currentVersion)
    .map((s): Column => {
      const values = {
        ...(s.values as object),
        ...Object.fromEntries(s.changedSince.map((c) => [c.field, c.after])),
      }
      return {
        key: `now ${s.goldenId}`,
        title: titleIn(values) ?? s.type,
        when: 'NOW',
        version: s.currentVersion,
        values,
      }
    })
  if (now.length > 0) return [...seen, ...now]
  const records = preview?.__typename === 'ActionPreview' ? preview.records : []
  const after = records
    .filter((r) => r.after !== null)
    .map(
      (r): Column => ({
        key: `after ${r.goldenId}`,
        title: titleIn(r.after) ?? r.type,
        when: 'AFTER',
        version: null,
        values: r.after as Record<string, unknown>,
      }),
    )
  return [...seen, ...after]
}

/** Returns the fields in which the columns differ, and how many are the same everywhere. */
export function differingFields(columns: readonly Column[]): { fields: string[]; same: number } {
  const names = [...new Set(columns.flatMap((c) => Object.keys(c.values)))].sort()
  const isSame = (field: string) => {
    const texts = columns.map((c) => valueText(c.values[field]))
    return texts.every((t) => t === texts[0])
  }
  const fields = names.filter((f) => !isSame(f))
  return { fields, same: names.length - fields.length }
}
