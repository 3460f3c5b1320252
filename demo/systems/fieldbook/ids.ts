import type { Random } from '../../random.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const drawnLength = 23

/** Returns an id in the form of a ULID; its characters say nothing about its age. */
export const newId = (random: Random, prefix: string): string =>
  `${prefix}01H${Array.from({ length: drawnLength }, () => random.pick([...alphabet])).join('')}`
