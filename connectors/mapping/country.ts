import { createRequire } from 'node:module'
import anyAscii from 'any-ascii'
// Its main file reads the names in 75 languages.
import countries from 'i18n-iso-countries/index.js'
import { lazily } from '../../schema/kit/lazily.ts'
import { normalCode } from '../../schema/kit/normalText.ts'
import { unicodeForm } from '../../schema/kit/unicodeForm.ts'

const require = createRequire(import.meta.url)

/** English comes first: it decides where two languages use one name for two countries. */
const LANGUAGES =
  'en de fr es it pt nl pl cs sk hu ro bg el sv da nb fi et lv lt sl hr sr uk ru tr ja zh ko vi th id ar he'.split(
    ' ',
  )

/** Common names that no list has. */
const ALIASES: Record<string, string> = {
  uk: 'GB',
  england: 'GB',
  scotland: 'GB',
  wales: 'GB',
  'northern ireland': 'GB',
  'great britain': 'GB',
  britain: 'GB',
  usa: 'US',
  'u.s.': 'US',
  'u.s.a.': 'US',
  america: 'US',
  'united states of america': 'US',
  'the netherlands': 'NL',
  holland: 'NL',
  'viet nam': 'VN',
  vietnam: 'VN',
  'south korea': 'KR',
  'republic of korea': 'KR',
  'north korea': 'KP',
  russia: 'RU',
  hellas: 'GR',
  'czech republic': 'CZ',
  czechia: 'CZ',
  uae: 'AE',
  'hong kong': 'HK',
  'hong kong sar': 'HK',
  macau: 'MO',
  taiwan: 'TW',
  turkiye: 'TR',
  turkey: 'TR',
  'ivory coast': 'CI',
  brd: 'DE',
  'federal republic of germany': 'DE',
  bundesrepublik: 'DE',
  'bundesrepublik deutschland': 'DE',
  eire: 'IE',
  'republic of ireland': 'IE',
  prc: 'CN',
  "people's republic of china": 'CN',
  'mainland china': 'CN',
  espana: 'ES',
  suisse: 'CH',
  schweiz: 'CH',
  svizzera: 'CH',
}

interface CountryNames {
  /** ISO 3166-1 alpha-2 by folded name. */
  codes: Map<string, string>
  /** The name of each country in each language, as people write it. */
  shown: Map<string, string>[]
}

const countryNames = lazily(readNames)

function readNames(): CountryNames {
  const codes = new Map<string, string>()
  const shown: Map<string, string>[] = []
  const addName = (name: string, code: string) => {
    for (const key of [fold(name), fold(anyAscii(name))])
      if (key && !codes.has(key)) codes.set(key, code)
  }
  for (const [name, code] of Object.entries(ALIASES)) addName(name, code)
  for (const language of LANGUAGES) {
    const data = require(`i18n-iso-countries/langs/${language}.json`) as {
      countries: Record<string, string | string[]>
    }
    for (const [code, all] of Object.entries(data.countries))
      for (const name of [all].flat()) addName(name, code)
    const first = Object.entries(data.countries).map(([code, all]): [string, string] => [
      code,
      [all].flat()[0] ?? code,
    ])
    shown.push(new Map(first))
  }
  return { codes, shown }
}

function fold(name: string): string {
  return unicodeForm(name, 'NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[\s.,()'’-]+/g, ' ')
    .trim()
}

/**
 * Returns a country in the form in which another one is written: a code of two or three letters, or
 * its name in the first language above that has `like`; else the code of two letters.
 */
export function countryLike(code: string, like: string): string {
  const now = parseCountry(like)
  const text = normalCode(like)
  if (now === null || /^[A-Za-z]{2}$/.test(text)) return code
  if (/^[A-Za-z]{3}$/.test(text) && countries.isValid(text.toUpperCase()))
    return countries.alpha2ToAlpha3(code) ?? code
  const { shown } = countryNames()
  const same = shown.find((names) => fold(names.get(now) ?? '') === fold(text)) ?? shown[0]
  return same?.get(code) ?? code
}

/**
 * Returns ISO 3166-1 alpha-2 of a code of two or three letters, or of a name in one of the
 * languages above; or null.
 */
export function parseCountry(value: string): string | null {
  const text = normalCode(value)
  const code = text.toUpperCase()
  if (code.length === 2 && countries.isValid(code)) return code
  if (code.length === 3 && countries.isValid(code)) return countries.alpha3ToAlpha2(code) ?? null
  return countryNames().codes.get(fold(text)) ?? null
}
