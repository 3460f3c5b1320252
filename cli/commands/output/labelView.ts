import type { MatchRecord } from '../../../mdm/match/engine.ts'
import { recordName } from '../../../mdm/match/recordName.ts'
import { dataText } from '../../../schema/kit/dataText.ts'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import { visibleText } from '../../../schema/kit/visibleText.ts'

const NAME_CHARS_MAX = 20
const LINES_MAX = 4
const VALUE_CHARS_MIN = 16

/**
 * Returns two records side by side, a line or more for each field; an asterisk marks values that
 * differ. Fields that neither record has are left out.
 * @param width characters of a line
 */
export function labelView(
  a: MatchRecord,
  b: MatchRecord,
  fields: readonly string[],
  width: number,
): string[] {
  const names = [...new Set([...fields, ...Object.keys(a.fields), ...Object.keys(b.fields)])]
  const room = Math.max(VALUE_CHARS_MIN, Math.floor((width - NAME_CHARS_MAX - 6) / 2))
  const rows = names.flatMap((name) => {
    const [x, y] = [valueText(a, name), valueText(b, name)]
    if (x === '' && y === '') return []
    return row(name, x, y, x !== '' && y !== '' && x !== y, room)
  })
  return [...row('', recordName(a.key), recordName(b.key), false, room), ...rows]
}

function row(name: string, a: string, b: string, differs: boolean, room: number): string[] {
  const [left, right] = [pieces(a, room), pieces(b, room)]
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) =>
    [
      (i === 0 ? visibleText(name).slice(0, NAME_CHARS_MAX) : '').padEnd(NAME_CHARS_MAX),
      i === 0 && differs ? '*' : ' ',
      (left[i] ?? '').padEnd(room),
      right[i] ?? '',
    ]
      .join('  ')
      .trimEnd(),
  )
}

/** Returns a value in pieces of a line; what is longer than a few lines is cut, which is shown. */
function pieces(value: string, room: number): string[] {
  const visible = visibleText(value.slice(0, room * (LINES_MAX + 1)))
  const lines: string[] = []
  for (let i = 0; i < visible.length && lines.length < LINES_MAX; i += room)
    lines.push(visible.slice(i, i + room))
  if (visible.length > room * LINES_MAX)
    lines[LINES_MAX - 1] = `${visible.slice(room * (LINES_MAX - 1), room * LINES_MAX - 1)}…`
  return lines
}

function valueText({ fields }: MatchRecord, name: string): string {
  const value = ownValue(fields, name)
  const list = Array.isArray(value) ? value : [value]
  return list
    .filter((v) => v !== null && v !== undefined)
    .map((v) => (typeof v === 'object' ? JSON.stringify(v) : dataText(v)))
    .join(' | ')
}
