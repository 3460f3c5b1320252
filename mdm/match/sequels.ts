/** Numbers, also Roman ones, that distinguish the works or models of a series. */
const NUMBER = /^(\d{1,4}|ii|iii|iv|v|vi|vii|viii|ix|x|xi|xii|xiii|xiv|xv)$/
/** Words that come with such a number. */
const NUMBER_WORDS = new Set(
  'vol volume part episode season chapter book band teil tome edition ed auflage version'.split(
    ' ',
  ),
)
/** What a game or program runs on; an edition for one platform is often named without it. */
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
  const [restA, restB] = [
    a.filter((word) => !b.includes(word)),
    b.filter((word) => !a.includes(word)),
  ]
  if (restA.length + restB.length === 0 || restA.length === a.length) return false
  const isNumbering = (word: string) => NUMBER.test(word) || NUMBER_WORDS.has(word)
  const numbers = [...restA, ...restB].filter((word) => NUMBER.test(word))
  if ([...restA, ...restB].every(isNumbering)) return numbers.some((word) => word !== '1')
  const isPlatform = (word: string) => PLATFORMS.has(word)
  return restA.length > 0 && restB.length > 0 && [...restA, ...restB].every(isPlatform)
}
