import { fold, isPlaceholder, words } from './text.ts'

/**
 * A product's name: its words (written-apart codes joined as well), its model or part numbers,
 * joined ("TOB-195" is "tob195", "DVP-FX820/R" is "dvpfx820r"), and what distinguishes variants of
 * one model: colours and measures ("black", "8gb", "24in").
 */
export interface ProductName {
  tokens: string[]
  models: string[]
  variants: string[]
}

/** Upper bound of the model numbers of one text. */
const MODELS_MAX = 8
const VARIANTS_MAX = 8
/**
 * Letters and digits mixed, or a run of five digits and more; sizes and speeds are excluded by
 * their unit.
 */
const MODEL = /^(?=.*\d)(?=.*[a-z])[a-z0-9]{4,24}$|^\d{5,14}$/
const MEASURE =
  /^\d+(st|nd|rd|th|gb|mb|tb|kb|ghz|mhz|khz|hz|w|kw|v|mah|ah|a|mm|cm|m|km|in|inch|ft|lb|lbs|oz|kg|g|mg|ml|l|dpi|mp|x|p|i|k|bit|btu|btus|cu|hp|rpm|ch|d|cd|h|hr|min|s|ms|mbps|gbps|fps|ppm|qt|gal|sq|yr)$|^\d+x\d+[a-z]{0,2}$|^(19|20)\d\d$|^mp\d$|^h26[45]$|^usb\d+$|^802\d+[a-z]*$|^\d{1,3}[a-z]{3,}$|^f\d+$|^\d+(to|x)\d+[a-z]{0,2}$|^mpeg\d$/
const COLOURS = new Map<string, string>()
for (const line of [
  'black blk schwarz noir nero negro zwart',
  'white wht weiss blanc bianco blanco wit',
  'silver silber argent plata zilver',
  'red rot rouge rosso rojo rood crimson',
  'blue blau bleu blu azul blauw cobalt',
  'pink rosa rose roze',
  'green gruen vert verde groen',
  'yellow gelb jaune giallo amarillo geel',
  'gold golden or oro goud champagne',
  'grey gray grau gris grigio grijs charcoal graphite',
  'orange arancione naranja oranje',
  'purple violet lila lilas viola morado paars',
  'brown braun brun marron marrone bruin',
  'titanium titan',
  'bronze',
  'copper',
  'stainless',
  'bisque',
  'beige',
  'cherry',
  'espresso',
  'walnut',
  'chrome',
])
  for (const word of line.split(' ')) COLOURS.set(word, line.split(' ')[0]!)
/** Units whose number distinguishes variants if both names give one. */
const VARIANT_MEASURE = /^\d+(?:\.\d+)?(gb|mb|tb|in|mm|cm|ft|oz|kg|g|ml|l|lb|w|pack|pk|ct|mp|mah)$/

/** Units in one spelling, so that "120 GB" and "120gb" are one word. */
const UNIT =
  /\b(\d+(?:\.\d+)?)[ -]?(gigabytes?|gb|megabytes?|mb|tb|terabytes?|ghz|mhz|inch(?:es)?|in|"|mm|cm|ft|feet|lbs?|pounds?|oz|ounces?|kg|watts?|w|volts?|v|mah|btu|megapixels?|mp|cu ?ft|quarts?|qt)(?![a-z0-9])/g
const UNIT_NAMES = new Map(
  Object.entries({
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
  }),
)

/**
 * Fractions, superscripts and the like: no model number has them, and text in a wrong encoding is
 * full of them.
 */
const OTHER_NUMBER = /\p{No}/u
const OTHER_NUMBERS = /\p{No}/gu

function inUnits(folded: string): string {
  return folded.replace(UNIT, (_, n: string, unit: string) => `${n}${UNIT_NAMES.get(unit) ?? unit}`)
}

/** Reads a product's name, or a text about it; null if it is empty. */
export function parseProductName(text: string): ProductName | null {
  const folded = fold(text)
  if (isPlaceholder(folded)) return null
  const united = inUnits(folded)
  const models: string[] = []
  const tokens = new Set(words(united))
  const variants = new Set<string>()
  for (const token of tokens) {
    const colour = COLOURS.get(token)
    if (colour) variants.add(colour)
  }
  const plain = OTHER_NUMBER.test(text) ? inUnits(fold(text.replace(OTHER_NUMBERS, ' '))) : united
  for (const chunk of plain.split(/[\s,;()[\]"|]+/)) {
    if (VARIANT_MEASURE.test(chunk)) variants.add(chunk)
    const parts = chunk.split(/[-_./&]+/).filter(Boolean)
    const joined = parts.join('')
    if (
      parts.length > 1 &&
      parts.length <= 5 &&
      !/^[a-z]?[0-9.]{1,6}$/.test(joined.replace(/(mm|in|ft)$/, ''))
    ) {
      if (/[0-9]/.test(joined) || joined.length <= 10) {
        addModel(models, joined)
        if (joined.length >= 5 && joined.length <= 16) tokens.add(joined)
      }
    }
    for (const part of parts) addModel(models, part)
  }
  if (tokens.size === 0) return null
  return {
    tokens: [...tokens],
    models: principal(models).slice(0, MODELS_MAX),
    variants: [...variants].slice(0, VARIANTS_MAX),
  }
}

/**
 * Returns a model number that is a field's whole value, joined: "910-001752", "EX-ZS10 Black"
 * without its colour. Null for a value of several words.
 */
export function parseModelNumber(text: string): string | null {
  const chunks = fold(text)
    .split(/\s+/)
    .filter((chunk) => chunk !== '' && !COLOURS.has(chunk))
  const joined = chunks.join('').replace(/[^a-z0-9]/g, '')
  const isCode =
    chunks.length > 0 &&
    chunks.length <= 3 &&
    joined.length >= 3 &&
    joined.length <= 24 &&
    chunks.every((chunk) => /\d/.test(chunk) || chunk.length <= 3)
  return isCode && /\d/.test(joined) ? joined : null
}

/** Returns the unit of a measure, or "colour": variants differ only inside one class. */
export function variantClass(variant: string): string {
  // A digit, or a point before one: most pairs of products come here.
  return variant.charCodeAt(0) < 58 ? variant.replace(/^[\d.]+/, '') : 'colour'
}

/**
 * Removes numbers that are part of a longer one of the name. A number that the longer one only
 * extends by letters stays: "WM2016CW ... WM2016CWH" is a name of both.
 */
function principal(models: readonly string[]): string[] {
  return models.filter(
    (model) =>
      !models.some(
        (other) =>
          other.length > model.length && other.includes(model) && !isWithEnding(other, model),
      ),
  )
}

const ENDING = /^[a-z]{1,3}$/

function isWithEnding(long: string, short: string): boolean {
  return long.startsWith(short) && ENDING.test(long.slice(short.length))
}

function addModel(models: string[], candidate: string): void {
  if (MODEL.test(candidate) && !MEASURE.test(candidate) && !models.includes(candidate))
    models.push(candidate)
}
