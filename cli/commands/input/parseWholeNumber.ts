import { InvalidArgumentError } from 'commander'

/** Returns a parser for the value of a flag that is a whole number of `min` or more. */
export function wholeNumberFrom(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text === '' || !Number.isSafeInteger(value) || value < min)
      throw new InvalidArgumentError(`It must be a whole number of ${min} or more.`)
    return value
  }
}

/** Parses the value of a flag that is a count. */
export const parseWholeNumber = wholeNumberFrom(0)
