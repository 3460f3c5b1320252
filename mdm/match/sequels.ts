/** Numbers, also Roman ones, that distinguish the works or models of a series. */
const NUMBER = /^(\d{1,4}|ii|iii|iv|v|vi|vii|viii|ix|x|xi|xii|xiii|xiv|xv)$/
/** Words that come with such a number. */
const NUMBER_WORDS = new Set(
  'vol volume part episode season chapter book band teil tome edition ed auflage version'.split(
    ' ',
  ),
)
/** Platforms of games and programs; an edition for one platform is often named without it. */
const PLATFORMS = new Set(
  'pc mac windows linux android ios xbox 360 xb1 wii wiiu ds nds 3ds psp ps1 ps2 ps3 ps4 ps5 playstation gamecube gba n64 dreamcast switch'.split(
    ' ',
  ),
)

/**
 * Returns whether two titles differ only in a number, or in platforms that both name: "Black Ops"
 * and "Black Ops II", the second and the third edition. A number one says nothing: the first of a
 * series rarely has it.
 */
export function areSequels(a: readonly string[], b: readonly string[]): boolean {
  const x = ownWords(a, b)
  if (!x || x.count === a.length) return false
  const y = ownWords(b, a)
  if (!y || x.count + y.count === 0) return false
  if (x.areNumbering && y.areNumbering) return x.hasNumber || y.hasNumber
  return x.count > 0 && y.count > 0 && x.arePlatforms && y.arePlatforms
}

interface OwnWords {
  count: number
  areNumbering: boolean
  arePlatforms: boolean
  /** True if a number other than one is among them. */
  hasNumber: boolean
}

/** Describes the words that only one title has; undefined if one is neither number nor platform. */
function ownWords(words: readonly string[], others: readonly string[]): OwnWords | undefined {
  const own = { count: 0, areNumbering: true, arePlatforms: true, hasNumber: false }
  for (const word of words) {
    if (others.includes(word)) continue
    own.count++
    const isNumber = NUMBER.test(word)
    own.areNumbering &&= isNumber || NUMBER_WORDS.has(word)
    own.arePlatforms &&= PLATFORMS.has(word)
    own.hasNumber ||= isNumber && word !== '1'
    // Most pairs of titles end here.
    if (!own.areNumbering && !own.arePlatforms) return undefined
  }
  return own
}
