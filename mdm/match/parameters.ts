import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { CAPS } from './caps.ts'
import { type Comparison, type MatchType, planComparisons } from './plan.ts'
import { type ComparisonColumn, columnsOf, PRIOR_RELATED_WEIGHT, PRIOR_WEIGHT } from './priors.ts'

/**
 * Frequencies of the values of one sort, as bits (log2 of one over the share of records). A value
 * that is not listed has `unknown`, blended with the shipped bits of its kind: `shipped` is the
 * share of the latter, 0 to 1.
 */
export interface Frequencies {
  unknown: number
  shipped: number
  bits: Record<string, number>
}

/**
 * Shares of one column's levels, best level first: among matches, related pairs and random pairs.
 */
export interface LevelShares {
  m: number[]
  r: number[]
  u: number[]
  /** Average bits of what random pairs agree on at this level; without it -log2 u. */
  expected?: number[]
}

/** A trained model as JSON: a versioned file or row. Anything it lacks falls back to the priors. */
export interface Parameters {
  format: 1
  /** The golden type it was trained for. */
  type: string
  /** Log2 odds that two random records are one thing. */
  priorWeight: number
  /** Log2 odds that two random records are related but not one thing. */
  relatedWeight: number
  /**
   * Bits that a pair of one source gains (below 0: loses), because one source holds a thing twice
   * less often than two do.
   */
  sameSourceWeight: number
  /**
   * Bits that a pair of two unique sources gains before its counterparts compete: the more records
   * have a counterpart, the less likely is none. The calibration scales it like the weight.
   */
  oneToOneWeight: number
  /** By comparison, then by column. */
  levels: Record<string, Record<string, LevelShares>>
  /** By comparison, then by sort of value. */
  frequencies: Record<string, Record<string, Frequencies>>
  /** The calibrated weight is scale * weight + offset. */
  calibration: { scale: number; offset: number }
  /**
   * Match threshold: from this calibrated weight on, records are one thing (log2 odds). The policy's
   * `falseMergeCost` raises it.
   */
  matchWeightMin: number
  /** Link threshold: edges from this weight on are stored and connect a component. */
  linkWeightMin: number
  /**
   * Blocks with more records than this give no candidates; finer keys of the same records do.
   * Narrow keys (`NARROW_RECORDS_MAX`) have a lower bound.
   */
  blockRecordsMax: number
  /** Upper bound of the blocking keys of one record. */
  keysPerRecordMax: number
  /** Facts about the training, for the report; not used in matching. */
  trained?: { records: number; pairs: number; seed: number }
}

/**
 * Returns the trained shares of one column's levels; undefined if the model has none. A model that
 * was trained before the last levels existed gets the shipped shares of those that are fixed. Reads
 * own properties only: a comparison may be named "constructor".
 */
export function levelShares(
  parameters: Parameters,
  comparison: Comparison,
  column: ComparisonColumn,
): LevelShares | undefined {
  const shares = ownValue(parameters.levels, comparison.name)
  const known = shares && ownValue(shares, column.name)
  const added = column.levels.slice(known?.m?.length ?? column.levels.length)
  if (!known || added.length === 0 || !added.every((level) => level.fixed)) return known
  return {
    ...known,
    m: [...known.m, ...added.map((level) => level.m)],
    r: [...known.r, ...added.map((level) => level.r)],
    u: [...known.u, ...added.map((level) => level.u)],
  }
}

/** Returns shares by comparison and column, as a model holds them. */
export function levelsByName(
  shares: readonly (readonly [comparison: string, column: string, LevelShares])[],
): Parameters['levels'] {
  return Object.fromEntries(
    [...Map.groupBy(shares, ([comparison]) => comparison)].map(([comparison, own]) => [
      comparison,
      Object.fromEntries(own.map(([, column, level]) => [column, level])),
    ]),
  )
}

/**
 * From here on a source practically holds a thing once: of its records that have a match in another
 * source, at most one in sixteen seems to have a duplicate beside it, and related things of equal
 * evidence are among these. Then the counterparts of a record compete.
 */
export const RARELY_TWICE_BITS = -4

/** Returns the shipped parameters of a type. */
export function priorParameters(type: MatchType): Parameters {
  return {
    format: 1,
    type: type.name,
    priorWeight: PRIOR_WEIGHT,
    relatedWeight: PRIOR_RELATED_WEIGHT,
    sameSourceWeight: 0,
    oneToOneWeight: 0,
    levels: {},
    frequencies: {},
    calibration: { scale: 1, offset: 0 },
    matchWeightMin: 0,
    linkWeightMin: -2,
    blockRecordsMax: CAPS.blockRecords,
    keysPerRecordMax: CAPS.keysPerRecord,
  }
}

/**
 * Increased with every change to what features contain or how they are compared; stored features of
 * another version are recomputed.
 */
const FEATURES_VERSION = 24

/**
 * Returns the content hash of the parameters, the plan, what the type declares about its things and
 * the features' version: 16 hex digits. Names are sorted first, because a database returns an object
 * in an order of its own.
 */
export function versionOf(
  parameters: Parameters,
  comparisons: readonly Comparison[],
  { uniqueIn, falseMergeCost = 1 }: MatchType,
): string {
  const { trained: _, ...decisive } = parameters
  const declared = [uniqueIn.toSorted(), falseMergeCost]
  return createHash('sha256')
    .update(stringify([FEATURES_VERSION, comparisons, declared, decisive]))
    .digest('hex')
    .slice(0, 16)
}

/** A model that cannot be used; the message says what is wrong and what would be right. */
export class ModelError extends Error {
  override name = 'ModelError'
}

/** Weights are log2 odds: beyond this nothing else would count. */
const weightMax = 1_000
/** The pairs of a block grow with the square of its records. */
const blockRecordsBound = 10_000
const keysPerRecordBound = 1_000

/** Throws ModelError for a number that JSON can hold and matching cannot use. */
function checkNumbers(parameters: Parameters): void {
  const refuse = (where: string, right: string): never => {
    throw new ModelError(`parameters: ${where} needs ${right}`)
  }
  const within = (where: string, value: unknown, min: number, max: number) => {
    if (typeof value !== 'number' || !(value >= min && value <= max))
      refuse(where, `a number from ${min} to ${max}`)
  }
  const whole = (where: string, value: unknown, min: number, max: number) => {
    if (!Number.isInteger(value)) refuse(where, `a whole number from ${min} to ${max}`)
    within(where, value, min, max)
  }
  const entries = (where: string, value: unknown): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value)
      : refuse(where, 'an object')
  for (const name of WEIGHTS) within(name, parameters[name], -weightMax, weightMax)
  const calibration = new Map(entries('calibration', parameters.calibration))
  within('calibration.scale', calibration.get('scale'), Number.MIN_VALUE, weightMax)
  within('calibration.offset', calibration.get('offset'), -weightMax, weightMax)
  whole('blockRecordsMax', parameters.blockRecordsMax, 2, blockRecordsBound)
  whole('keysPerRecordMax', parameters.keysPerRecordMax, 1, keysPerRecordBound)
  for (const [comparison, columns] of entries('levels', parameters.levels))
    for (const [column, shares] of entries(`levels.${comparison}`, columns)) {
      const where = `levels.${comparison}.${column}`
      for (const [part, values] of entries(where, shares))
        if (!Array.isArray(values)) refuse(`${where}.${part}`, 'a list of numbers')
    }
  for (const [comparison, sorts] of entries('frequencies', parameters.frequencies))
    for (const [sort, table] of entries(`frequencies.${comparison}`, sorts)) {
      const where = `frequencies.${comparison}.${sort}`
      const given = new Map(entries(where, table))
      within(`${where}.unknown`, given.get('unknown'), 0, weightMax)
      within(`${where}.shipped`, given.get('shipped'), 0, 1)
      for (const [value, bits] of entries(`${where}.bits`, given.get('bits')))
        within(`${where}.bits of "${value.slice(0, 50)}"`, bits, 0, weightMax)
    }
}

const WEIGHTS = [
  'priorWeight',
  'relatedWeight',
  'sameSourceWeight',
  'oneToOneWeight',
  'matchWeightMin',
  'linkWeightMin',
] as const

/**
 * Reads a model's content and checks everything that matching relies on. Ignores properties beside
 * the parameters (who trained it, when): they are not part of the version. Throws ModelError,
 * SyntaxError.
 */
export function readParameters(text: string, type: MatchType): Parameters {
  const given: unknown = JSON.parse(text)
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new ModelError('parameters: the model is no object')
  const value = given as Partial<Parameters>
  if (value.format !== 1)
    throw new ModelError(
      `parameters: format is ${String(value.format)}, this program reads format 1`,
    )
  if (value.type !== undefined && value.type !== type.name)
    throw new ModelError(
      `parameters: the model is of ${value.type}, and was given for ${type.name}`,
    )
  const prior = priorParameters(type)
  const names = [...Object.keys(prior), 'trained'] as (keyof Parameters)[]
  const parameters: Parameters = {
    ...prior,
    ...Object.fromEntries(
      names.flatMap((name) => (value[name] === undefined ? [] : [[name, value[name]]])),
    ),
  }
  checkNumbers(parameters)
  const comparisons = planComparisons(type)
  const unknownNames = Object.keys(parameters.levels).filter(
    (name) => !comparisons.some((c) => c.name === name),
  )
  if (unknownNames.length > 0)
    throw new ModelError(
      `parameters: the model knows ${unknownNames.join(', ')}, which ${type.name} does not compare; it compares ${comparisons.map((c) => c.name).join(', ')}: train it again under this policy`,
    )
  for (const comparison of planComparisons(type))
    for (const column of columnsOf(comparison)) {
      const shares = levelShares(parameters, comparison, column)
      if (!shares) continue
      const { expected = [] } = shares
      if (!expected.every((bits) => bits >= 0 && bits <= weightMax))
        throw new ModelError(
          `parameters: levels.${comparison.name}.${column.name}.expected needs numbers of bits from 0 to ${weightMax}`,
        )
      for (const part of ['m', 'r', 'u'] as const)
        if (
          shares[part]?.length !== column.levels.length ||
          shares[part].some((p) => !(p > 0 && p < 1))
        )
          throw new ModelError(
            `parameters: levels.${comparison.name}.${column.name}.${part} needs ${column.levels.length} numbers between 0 and 1`,
          )
    }
  return parameters
}
