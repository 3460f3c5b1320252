import { unicodeForm } from '../../schema/kit/unicodeForm.ts'

/** Languages whose names of months are read; a name that two give to different months is not. */
const LANGUAGES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'sv', 'da', 'nb']

/** Built on first use, because it takes forty formats of the runtime. */
let months: Map<string, number | null> | undefined

/** Returns the number of a month by its name or abbreviation, or null. */
export function monthOf(name: string): number | null {
  months ??= namesOfMonths()
  return months.get(fold(name)) ?? null
}

function namesOfMonths(): Map<string, number | null> {
  // English writes both Sep and Sept.
  const names = new Map<string, number | null>([['sept', 9]])
  // Beside a day some languages have another form of the name.
  for (const language of LANGUAGES)
    for (const month of ['long', 'short'] as const)
      for (const day of [undefined, 'numeric'] as const) {
        const format = new Intl.DateTimeFormat(language, { month, day, timeZone: 'UTC' })
        for (let n = 1; n <= 12; n++) {
          const parts = format.formatToParts(Date.UTC(2025, n - 1, 1))
          const name = fold(parts.find((p) => p.type === 'month')?.value ?? '')
          names.set(name, (names.get(name) ?? n) === n ? n : null)
        }
      }
  return names
}

function fold(name: string): string {
  return unicodeForm(name, 'NFC').toLowerCase().replaceAll('.', '')
}
