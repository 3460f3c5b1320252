import { InvalidArgumentError } from 'commander'

/** A flag's value that counts something. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (text === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a whole number of 0 or more.')
  return value
}
