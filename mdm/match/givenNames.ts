/** Knowledge of given names. Passed in, because given names belong to standardising. */
export interface GivenNames {
  /** Returns whether the word is a given name of the table. */
  isKnown(word: string): boolean
  /** Returns whether two words are forms of one given name ("bob", "robert"). */
  isSame(a: string, b: string): boolean
  /** Returns whether two names that differ by an ending are a man's and a woman's. */
  isManAndWoman(a: string, b: string): boolean
  /** Returns whether two words are surely two names: a man's and a woman's, or two of the table. */
  isOther(a: string, b: string): boolean
  /**
   * Returns whether two given names of several words, in one, share the first and surely not the
   * rest: "marieclaude" and "marielaure".
   */
  haveOtherSeconds(a: string, b: string): boolean
  /** Returns whether two surnames are a man's and a woman's form of one ("kowalski", "kowalska"). */
  isOneSurname(a: string, b: string): boolean
}
