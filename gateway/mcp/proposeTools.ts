import { createHash } from 'node:crypto'
import { z } from 'zod'
import { MERGE_INPUT, PROPOSED, RECORD, RECORDS, VALUE } from './actions.ts'
import { id, type Tool, tool, word } from './tool.ts'

const reason = z.string().min(1).max(1_500)

/** `proposeAction` is the only action of these tools: it never carries out anything. */
const PROPOSE = `mutation McpPropose($action: StewardActionInput!, $reason: String!, $key: String!, $agent: String!) {
  proposeAction(action: $action, reason: $reason, idempotencyKey: $key, agent: $agent) { ${PROPOSED} } }`

/**
 * Returns the variables of a proposal. Its key follows from the action: a repeated call finds the
 * proposal that exists, or learns that a person declined it.
 */
function proposal(action: object, why: string, agent: string): Record<string, unknown> {
  const key = `mcp-${createHash('sha256').update(JSON.stringify(action)).digest('hex')}`
  return { action, reason: why, key, agent }
}

/** Tools that write: they propose what a second person decides, or comment. */
export const PROPOSE_TOOLS: readonly Tool[] = [
  tool({
    name: 'propose_merge',
    title: 'Propose a merge',
    description:
      'Proposes to merge golden records into one. Nothing changes until another person approves it. Each record needs the version that golden_record returned. Preview it first.',
    input: MERGE_INPUT.extend({ reason }),
    operation: PROPOSE,
    variables: ({ records, choices, reason }, { agent }) =>
      proposal({ merge: { records, choices } }, reason, agent),
    readOnly: false,
  }),
  tool({
    name: 'propose_no_match',
    title: 'Propose that records are different things',
    description:
      'Proposes to state that golden records are different things, so that matching never merges them. Nothing changes until another person approves it.',
    input: z.strictObject({ records: RECORDS, reason }),
    operation: PROPOSE,
    variables: ({ records, reason }, { agent }) =>
      proposal({ notAMatch: { records } }, reason, agent),
    readOnly: false,
  }),
  tool({
    name: 'propose_value',
    title: 'Propose a value',
    description:
      'Proposes to state the value of a field of a golden record. Nothing changes until another person approves it. Null states that there is no value.',
    input: z.strictObject({
      record: RECORD,
      field: word,
      value: VALUE,
      expiresAt: z.iso.datetime({ offset: true }).optional(),
      reason,
    }),
    operation: PROPOSE,
    variables: ({ record, field, value = null, expiresAt, reason }, { agent }) =>
      proposal({ override: { record, field, value, expiresAt } }, reason, agent),
    readOnly: false,
  }),
  tool({
    name: 'comment_task',
    title: 'Comment on a task',
    description: 'Adds a comment to a task, for the people who decide it. It changes no record.',
    input: z.strictObject({ id, body: z.string().min(1).max(4_000) }),
    operation: `mutation McpComment($id: ID!, $body: String!) {
  commentTask(id: $id, body: $body) { __typename ... on TaskDone { task { id open } } ... on TaskRefused { rule detail } } }`,
    variables: ({ id, body }, { agent }) => ({ id, body: `By the agent ${agent}: ${body}` }),
    readOnly: false,
  }),
]
