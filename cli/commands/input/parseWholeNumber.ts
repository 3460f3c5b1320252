import { InvalidArgumentError } from 'commander'

/** Returns a parser for the value of a flag that is a whole number of `min` or more. */
export function wholeNumberFrom(min: number): (text: string) => number {
  return (text) => {
    // Only digits: "1e3", "0x10" and " 5" are numbers to JavaScript, and rather mistakes of people.
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (!Number.isSafeInteger(value) || value < min)
      throw new InvalidArgumentError(`It must be a whole number of ${min} or more.`)
    return value
  }
}

/** Parses the value of a flag that is a count. */
export const parseWholeNumber = wholeNumberFrom(0)
