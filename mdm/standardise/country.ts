import countries from 'i18n-iso-countries/index.js'
import de from 'i18n-iso-countries/langs/de.json' with { type: 'json' }
import en from 'i18n-iso-countries/langs/en.json' with { type: 'json' }
import es from 'i18n-iso-countries/langs/es.json' with { type: 'json' }
import fr from 'i18n-iso-countries/langs/fr.json' with { type: 'json' }
import it from 'i18n-iso-countries/langs/it.json' with { type: 'json' }
import nl from 'i18n-iso-countries/langs/nl.json' with { type: 'json' }
import { lazily } from '../../schema/kit/lazily.ts'
import { fold } from './text.ts'

const ALIASES: Record<string, string> = {
  england: 'GB',
  scotland: 'GB',
  wales: 'GB',
  'northern ireland': 'GB',
  uk: 'GB',
  'great britain': 'GB',
  'u.k.': 'GB',
  usa: 'US',
  'u.s.a.': 'US',
  'u.s.': 'US',
  america: 'US',
  'united states of america': 'US',
  'united states': 'US',
  'viet nam': 'VN',
  russia: 'RU',
  'south korea': 'KR',
  korea: 'KR',
  holland: 'NL',
  'the netherlands': 'NL',
  czechia: 'CZ',
  'czech republic': 'CZ',
  'hong kong': 'HK',
  taiwan: 'TW',
  uae: 'AE',
  osterreich: 'AT',
  brd: 'DE',
  schweiz: 'CH',
  suisse: 'CH',
  svizzera: 'CH',
  turkey: 'TR',
}

const codesByName = lazily(build)

/**
 * Returns the ISO 3166-1 alpha-2 code for a country's name in six languages, its alpha-2 or alpha-3
 * code; null if unknown.
 */
export function countryCode(text: string): string | null {
  return codesByName().get(fold(text.slice(0, 80)).trim()) ?? null
}

/** Names of countries that are given names, states or islands as well. */
const OTHER_NAMES = new Set(['chad', 'georgia', 'guernsey', 'jersey', 'jordan'])
const WORD_LETTERS_MIN = 4

/** Returns whether a folded word of a name is the name of a country, and nothing else. */
export function isCountryWord(word: string): boolean {
  return word.length >= WORD_LETTERS_MIN && codesByName().has(word) && !OTHER_NAMES.has(word)
}

function build(): Map<string, string> {
  const names = new Map<string, string>()
  for (const language of [en, de, fr, es, it, nl])
    for (const [code, value] of Object.entries(
      language.countries as Record<string, string | string[]>,
    ))
      for (const name of Array.isArray(value) ? value : [value]) names.set(fold(name), code)
  for (const [code3, code2] of Object.entries(countries.getAlpha3Codes()))
    names.set(code3.toLowerCase(), code2)
  for (const code of Object.keys(countries.getAlpha2Codes())) names.set(code.toLowerCase(), code)
  for (const [name, code] of Object.entries(ALIASES)) names.set(name, code)
  return names
}
