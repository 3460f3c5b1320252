import { fold, isPlaceholder, words } from './text.ts'

/** A product's name: its words, and the model or part numbers in it, joined ("TOB-195", "TOB 195/B" give "tob195", "tob195b"). */
export interface ProductName {
  tokens: string[]
  models: string[]
}

/** At most this many model numbers of one name are kept. */
const MODELS_MAX = 8
/** Letters and digits mixed, of which at least three characters; sizes and speeds are told apart by their unit. */
const MODEL = /^(?=.*\d)(?=.*[a-z])[a-z0-9]{3,24}$|^\d{4,14}$/
const MEASURE =
  /^\d+(st|nd|rd|th|gb|mb|tb|kb|ghz|mhz|khz|hz|w|kw|v|mah|ah|a|mm|cm|m|km|in|inch|ft|lb|lbs|oz|kg|g|mg|ml|l|dpi|mp|megapixel|x|p|i|k|bit|btu|cu|hp|rpm|cup|pack|pk|pc|pcs|piece|port|ch|channel|way|speed|disc|d|cd|h|hr|min|s|ms|mbps|gbps|fps|watt|watts|volt|ppm|sheet|slice|qt|gal|sq|year|yr)$|^\d+x\d+$|^(19|20)\d\d$|^\d+p$|^mp\d$|^h26[45]$|^usb\d$|^802\d+[a-z]*$|^3g$|^4g$|^5g$|^r\d$|^mpeg\d$/

/** Units in one spelling, so that "120 GB" and "120gb" are one word. */
const UNIT =
  /\b(\d+(?:\.\d+)?)[ -]?(gigabytes?|gb|megabytes?|mb|tb|terabytes?|ghz|mhz|inch(?:es)?|in|"|mm|cm|ft|feet|lbs?|pounds?|oz|ounces?|kg|watts?|w|volts?|v|mah|btu|megapixels?|mp|cu ?ft|quarts?|qt)(?![a-z0-9])/g
const UNIT_NAMES: Record<string, string> = {
  gigabyte: 'gb',
  gigabytes: 'gb',
  megabyte: 'mb',
  megabytes: 'mb',
  terabyte: 'tb',
  terabytes: 'tb',
  inch: 'in',
  inches: 'in',
  '"': 'in',
  feet: 'ft',
  lb: 'lb',
  lbs: 'lb',
  pound: 'lb',
  pounds: 'lb',
  ounce: 'oz',
  ounces: 'oz',
  watt: 'w',
  watts: 'w',
  volt: 'v',
  volts: 'v',
  megapixel: 'mp',
  megapixels: 'mp',
  quart: 'qt',
  quarts: 'qt',
  'cu ft': 'cuft',
}

/** Reads a product's name. */
export function parseProductName(text: string): ProductName | null {
  const folded = fold(text)
  if (isPlaceholder(folded) && folded.length < 3) return null
  const united = folded.replace(UNIT, (_, n: string, unit: string) => `${n}${UNIT_NAMES[unit] ?? unit}`)
  const models: string[] = []
  for (const chunk of united.split(/[\s,;()[\]"|]+/)) {
    const parts = chunk.split(/[-_./&]+/).filter(Boolean)
    if (parts.length > 1 && parts.length <= 5) addModel(models, parts.join(''))
    if (parts.length > 2) addModel(models, parts.slice(0, -1).join(''))
    for (const part of parts) addModel(models, part)
  }
  const tokens = [...new Set(words(united))]
  if (tokens.length === 0) return null
  return { tokens, models: models.slice(0, MODELS_MAX) }
}

function addModel(models: string[], candidate: string): void {
  if (MODEL.test(candidate) && !MEASURE.test(candidate) && !models.includes(candidate)) models.push(candidate)
}
