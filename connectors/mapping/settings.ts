import { failAt, type MappingDocument } from './document.ts'
import { ID_FORMS, type IdForm } from './idForm.ts'
import type { DecimalSeparator } from './number.ts'
import { createPlaceholderTest, type IsPlaceholder } from './placeholders.ts'
import { isMap } from './rule.ts'
import type { DateOrder, TimeForms } from './time.ts'
import { isZone } from './zones.ts'

/** How a source system writes values; a mapping states it above its objects. */
export interface Settings {
  ids: IdForm
  times: TimeForms
  separator: DecimalSeparator
  isPlaceholder: IsPlaceholder
  minorExponents: Record<string, number>
}

/** Reads the settings of a mapping. Throws ConfigError. */
export function readSettings(doc: MappingDocument): Settings {
  return {
    ids: pick(doc, 'ids', Object.keys(ID_FORMS) as IdForm[], 'text'),
    times: { dates: pick<DateOrder>(doc, 'dates', ['DMY', 'MDY'], null), zone: readZone(doc) },
    separator: pick<DecimalSeparator>(doc, 'numbers', ['POINT', 'COMMA'], null),
    isPlaceholder: createPlaceholderTest(readPlaceholders(doc)),
    minorExponents: readExponents(doc),
  }
}

function pick<T>(doc: MappingDocument, key: string, allowed: readonly T[], otherwise: T): T {
  const place = doc.settings.get(key)
  if (!place) return otherwise
  return (
    allowed.find((a) => a === place.value) ??
    failAt(place, `${key}: "${String(place.value)}" is not one of ${allowed.join(', ')}`)
  )
}

function readZone(doc: MappingDocument): string | null {
  const place = doc.settings.get('zone')
  if (!place) return null
  const name = String(place.value)
  if (!isZone(name))
    return failAt(place, `zone: "${name}" is not a time zone; write its name, as in Europe/Berlin`)
  return name
}

function readPlaceholders(doc: MappingDocument): Map<string, boolean> {
  const place = doc.settings.get('placeholders')
  if (!place) return new Map()
  if (!isMap(place.value))
    return failAt(place, 'placeholders: must be a map of texts to true or false')
  const entries = Object.entries(place.value)
  for (const [text, is] of entries)
    if (typeof is !== 'boolean')
      failAt(place, `placeholders: "${text}" is true for a missing value, false for a value`, [
        text,
      ])
  return new Map(entries.map(([text, is]) => [text, is === true]))
}

function readExponents(doc: MappingDocument): Record<string, number> {
  const place = doc.settings.get('minorExponents')
  const entries = Object.entries((place?.value ?? {}) as Record<string, unknown>)
  for (const [code, n] of entries)
    if (place && !(Number.isInteger(n) && Number(n) >= 0 && Number(n) <= 4))
      failAt(place, `minorExponents: ${code} needs a whole number of decimals from 0 to 4`, [code])
  return Object.fromEntries(entries.map(([code, n]) => [code, Number(n)]))
}
