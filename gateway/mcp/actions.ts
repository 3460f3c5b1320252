import { z } from 'zod'
import { nestsWithin } from '../../schema/kit/nesting.ts'
import { id, word } from './tool.ts'

const recordsMax = 20
const valueCharsMax = 10_000
const recordCharsMax = 20_000
const valueDepthMax = 8

/** A golden record in the version that the agent saw. If it changed since, nothing is proposed. */
export const RECORD = z.strictObject({ id, version: z.int().min(1) })
export const RECORDS = z.array(RECORD).min(2).max(recordsMax)

/** A value as JSON, of any shape that a field may have. */
export const VALUE = z
  .unknown()
  .refine(
    (value) =>
      nestsWithin(valueDepthMax, value) && (JSON.stringify(value)?.length ?? 0) <= valueCharsMax,
    `a value has at most ${valueCharsMax} characters of JSON and ${valueDepthMax} levels`,
  )

/** Values of a record by field. */
export const VALUES = z
  .record(word, VALUE)
  .refine(
    (values) => JSON.stringify(values).length <= recordCharsMax,
    `the values have at most ${recordCharsMax} characters of JSON`,
  )

export const MERGE_INPUT = z.strictObject({
  records: RECORDS,
  choices: z
    .array(
      z.strictObject({
        field: word,
        golden: id.optional(),
        source: id.optional(),
        value: VALUE.optional(),
      }),
    )
    .max(100)
    .optional(),
})

const CONFLICT = '... on ActionConflict { current { id version state redirect } }'
const REFUSED = '... on ActionRefused { rule detail }'
export const PREVIEW = `__typename
    ... on ActionPreview { approval records { goldenId type op before after changedFields redirect sources }
      children { type from to count } tasks { id kind about opens } }
    ${CONFLICT} ${REFUSED}`
export const PROPOSED = `__typename
    ... on ApprovalNeeded { rules action { id kind type state actor approval proposedAt expiresAt } }
    ... on ActionDone { action { id kind state } }
    ${CONFLICT} ${REFUSED}`
