/** Knowledge of given names. Passed in, because given names belong to standardising. */
export interface GivenNames {
  /** Returns whether the word is a given name with short or foreign forms. */
  isKnown(word: string): boolean
  /** Returns whether the word is a given name somewhere; it may be a surname too. */
  isGivenName(word: string): boolean
  /** Returns whether the word is a given name somewhere, and not as a short form alone. */
  isWholeGivenName(word: string): boolean
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
  /** Returns whether two words are two spellings of one given name ("catherine", "katherine"). */
  areSpelledAlike(a: string, b: string): boolean
  /** Returns whether two given names that are nearly equal are one, by a slip or two spellings. */
  isOneMiswritten(a: string, b: string): boolean
  /** Returns whether two given names beside one surname are other syllables of its language. */
  haveOtherSyllables(surname: string, a: readonly string[], b: readonly string[]): boolean
  /** Returns whether the word is a surname of a language that writes it first. */
  isSurnameFirst(word: string): boolean
  /** Returns the given name among the words of a Vietnamese name; undefined of any other. */
  vietnameseGiven(words: readonly string[]): string | undefined
  /** Returns whether two surnames are a man's and a woman's form of one ("kowalski", "kowalska"). */
  isOneSurname(a: string, b: string): boolean
}
