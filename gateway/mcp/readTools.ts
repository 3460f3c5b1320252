import { z } from 'zod'
import { MERGE_INPUT, PREVIEW, VALUES } from './actions.ts'
import { after, first, id, type Tool, tool, word, words } from './tool.ts'

const PAGE = 'totalCount pageInfo { hasNextPage endCursor }'
const SOURCE = 'id system object sourceId'
const CAUSE = 'cause { system object sourceId messageId correlationId }'
const TASK = `id kind type about reason weight stake priority open assignee owner dueAt escalated deferredUntil createdAt
  closedAt closedBecause action { id kind state actor reason }`
const ACTION =
  'id kind type state actor agent reason input about approval stake proposedAt expiresAt doneAt decidedBy decision correlationId'

/** Returns a selection on a node of any golden type: their fields differ, these are common to all. */
function onGolden(goldenTypes: readonly string[], selection: string): string {
  return goldenTypes.map((type) => `... on ${type} { ${selection} }`).join('\n    ')
}

/** Tools that read. */
export const READ_TOOLS: readonly Tool[] = [
  tool({
    name: 'search',
    title: 'Search golden records',
    description:
      'Finds golden records by a name, another text, a golden id or the id of a source record. Words may have typing errors. Returns golden ids, the best first.',
    input: z.strictObject({
      text: z.string().min(1).max(200),
      types: words.optional(),
      first,
      after,
    }),
    operation: `query McpSearch($text: String!, $types: [String!], $first: Int, $after: String) {
  search(text: $text, types: $types, first: $first, after: $after) {
    nodes { goldenId type match score field value sourceRecord { ${SOURCE} } } ${PAGE} } }`,
  }),
  tool({
    name: 'golden_record',
    title: 'Golden record with provenance',
    description:
      'Returns a golden record: the value of each field with the source records and the rule that gave it, and the version, which proposals need. Accepts a golden id, a retired golden id or the key of a source record.',
    input: z.strictObject({ id, fields: words.optional() }),
    operation: (types) => `query McpGoldenRecord($id: ID!, $fields: [String!]) {
  node(id: $id) { __typename id
    ${onGolden(
      types,
      `version createdAt updatedAt aliases redirectedFrom tombstone { since reason detail }
      sourceRecords(first: 20) { nodes { ${SOURCE} versionAt deleted complete } totalCount }
      provenance(fields: $fields) { field value rule policyVersion sourceRecords(first: 5) { nodes { ${SOURCE} } } }`,
    )} } }`,
  }),
  tool({
    name: 'explain_value',
    title: 'Explain a value',
    description:
      'Explains why a field of a golden record has its value: every candidate of a source record, with whether it won or why it lost.',
    input: z.strictObject({ id, field: word }),
    operation: (types) => `query McpExplainValue($id: ID!, $fields: [String!]) {
  node(id: $id) { __typename id
    ${onGolden(
      types,
      `version provenance(fields: $fields) { field value rule policyVersion
        candidates(first: 50) { nodes { verdict value source { ${SOURCE} versionAt } } totalCount } }`,
    )} } }`,
    variables: ({ id, field }) => ({ id, fields: [field] }),
  }),
  tool({
    name: 'record_history',
    title: 'History of a golden record',
    description:
      'Returns the versions of a golden record, the newest first, with the changed fields and what caused each.',
    input: z.strictObject({ id, first, after }),
    operation: (types) => `query McpHistory($id: ID!, $first: Int, $after: String) {
  node(id: $id) { __typename id
    ${onGolden(
      types,
      `history(first: $first, after: $after) { nodes { version at op changedFields redirect members policyVersion ${CAUSE} } ${PAGE} }`,
    )} } }`,
  }),
  tool({
    name: 'explain_match',
    title: 'Explain whether two records match',
    description:
      'Explains whether two records are one thing: the verdict, and each comparison with its weight. Accepts golden ids and keys of source records.',
    input: z.strictObject({ a: id, b: id }),
    operation: `query McpExplainMatch($a: ID!, $b: ID!) {
  explain(a: $a, b: $b) { type verdict because weight probability threshold linkThreshold prior forbidden pairsCompared
    a { id system object sourceId goldenId } b { id system object sourceId goldenId }
    steps { kind comparison fields dimension level weight leftOut total valuesA valuesB }
    assertions { kind a b actor reason at } } }`,
  }),
  tool({
    name: 'possible_matches',
    title: 'Possible matches of a record',
    description:
      'Returns the golden records that may be the same as this one, the likeliest first, with the reason why they are not one.',
    input: z.strictObject({ id, first, after }),
    operation: `query McpPossibleMatches($id: ID!, $first: Int, $after: String) {
  possibleMatches(of: $id, first: $first, after: $after) {
    nodes { goldenId weight probability reason since task { id open assignee } } ${PAGE} } }`,
  }),
  tool({
    name: 'matches_for',
    title: 'Would this record be new?',
    description:
      'Returns the golden records that a record which is not stored may be, the likeliest first, with the verdict: for example before somebody creates a customer. Values are by field of the golden type, as golden_record shows them; required ones may be left out.',
    input: z.strictObject({ type: word, values: VALUES, system: word.optional(), first }),
    operation: `query McpMatchesFor($type: String!, $values: JSON!, $system: String, $first: Int) {
  matchesFor(type: $type, values: $values, system: $system, first: $first) {
    nodes { goldenId verdict weight probability because } totalCount } }`,
  }),
  tool({
    name: 'trace',
    title: 'Trace of a record or message',
    description:
      'Returns the story of a message, event, golden record or action with its times, found by any id that it left.',
    input: z.strictObject({ id }),
    operation: `query McpTrace($id: ID!) {
  trace(id: $id) { id kind more
    messages { id system object messageId correlationId receivedAt state code detail settledAt attempts
      records { id type goldenId deleted complete } events { id position op goldenId type version at } }
    events { id position op goldenId type version changedFields at causedBy correlationId }
    actions { id kind state actor reason proposedAt doneAt } } }`,
  }),
  tool({
    name: 'tasks',
    title: 'Queue of tasks',
    description:
      'Returns tasks of stewards by falling priority, with counts by kind. All filters are optional; open tasks if none is given.',
    input: z.strictObject({
      kinds: words.optional(),
      types: words.optional(),
      assignee: word.optional(),
      unassigned: z.boolean().optional(),
      overdue: z.boolean().optional(),
      about: id.optional(),
      state: z.enum(['OPEN', 'DEFERRED', 'CLOSED']).optional(),
      first,
      after,
    }),
    operation: `query McpTasks($filter: TaskFilter, $first: Int, $after: String) {
  tasks(filter: $filter, first: $first, after: $after) { nodes { ${TASK} } ${PAGE} }
  taskCounts(filter: $filter) { total overdue kinds { value count } } }`,
    variables: ({ first, after, ...filter }) => ({ filter, first, after }),
  }),
  tool({
    name: 'task',
    title: 'One task',
    description:
      'Returns a task, for example a possible match, with its comments and its proposal.',
    input: z.strictObject({ id }),
    operation: `query McpTask($id: ID!) {
  task(id: $id) { ${TASK} comments(first: 50) { nodes { actor body at } totalCount } } }`,
  }),
  tool({
    name: 'preview_merge',
    title: 'Preview of a merge',
    description:
      'Returns what a merge of golden records would do, without doing it: records before and after, objects that move, tasks that open and close. Each record needs the version that golden_record returned.',
    input: MERGE_INPUT,
    operation: `query McpPreviewMerge($action: StewardActionInput!) {
  previewAction(action: $action) { ${PREVIEW} } }`,
    variables: ({ records, choices }) => ({ action: { merge: { records, choices } } }),
  }),
  tool({
    name: 'preview_proposal',
    title: 'Preview of a proposal',
    description:
      'Returns what a proposal that waits for approval would do if it were approved now.',
    input: z.strictObject({ id }),
    operation: `query McpPreviewProposal($id: ID!) { previewProposal(proposal: $id) { ${PREVIEW} } }`,
  }),
  tool({
    name: 'proposals',
    title: 'Actions and proposals',
    description:
      'Returns actions and proposals of stewards, the latest first, with their state and the decision of the second person.',
    input: z.strictObject({
      about: id.optional(),
      actor: word.optional(),
      kinds: words.optional(),
      states: z
        .array(z.enum(['PROPOSED', 'DONE', 'UNDONE', 'DECLINED', 'WITHDRAWN', 'EXPIRED']))
        .optional(),
      first,
      after,
    }),
    operation: `query McpProposals($filter: StewardActionFilter, $first: Int, $after: String) {
  stewardActions(filter: $filter, first: $first, after: $after) { nodes { ${ACTION} } ${PAGE} } }`,
    variables: ({ first, after, ...filter }) => ({ filter, first, after }),
  }),
  tool({
    name: 'exceptions',
    title: 'Inbound exceptions',
    description:
      'Returns messages of source systems that could not be applied, the oldest first, with counts by system, object and code.',
    input: z.strictObject({
      systems: words.optional(),
      objects: words.optional(),
      codes: words.optional(),
      owner: word.optional(),
      about: id.optional(),
      first,
      after,
    }),
    operation: `query McpExceptions($filter: InboundExceptionFilter, $first: Int, $after: String) {
  inboundExceptions(filter: $filter, first: $first, after: $after) {
    nodes { id state waiting system object type recordId field code detail owner messageId correlationId receivedAt failedAt }
    ${PAGE} }
  inboundExceptionCounts(filter: $filter, first: 20) { nodes { system object code owner count oldestAt } } }`,
    variables: ({ first, after, ...filter }) => ({ filter, first, after }),
  }),
  tool({
    name: 'health',
    title: 'Service levels, waiting times and data quality',
    description:
      'Returns the state of the service levels and how long tasks of each kind have waited. With a golden type, for example Customer, also measures of its quality: match rate, completeness, drift of source systems. Those read all records, so they are slow.',
    input: z.strictObject({ type: word.optional() }),
    operation: `query McpHealth($type: String! = "", $quality: Boolean! = false) {
  serviceLevels { name tier measure withinMs target state budgetLeft late }
  queueAges { kind open overdue ageSecondsMedian ageSecondsMax }
  dataQuality(type: $type) @include(if: $quality) { type golden records matchRate uniqueness overrideRate
    fields { field completeness overrides } systems { system records validity } } }`,
    variables: ({ type }) => (type === undefined ? {} : { type, quality: true }),
  }),
  tool({
    name: 'changes',
    title: 'Changes since a cursor',
    description:
      'Returns changes of golden records after a cursor of the feed, the oldest first. Without a cursor the list begins with the oldest stored event; "feed.cursor" is the cursor of now.',
    input: z.strictObject({
      after,
      types: words.optional(),
      ids: z.array(id).min(1).max(100).optional(),
      ops: z.array(z.enum(['CREATED', 'UPDATED', 'MERGED', 'SPLIT', 'DELETED'])).optional(),
      first,
    }),
    operation: `query McpChanges($after: String, $first: Int, $types: [GoldenType!], $ids: [ID!], $ops: [ChangeOp!]) {
  feed { cursor }
  changes(after: $after, first: $first, types: $types, ids: $ids, ops: $ops) {
    nodes { cursor position op goldenId type version before after changedFields redirect at
      cause { system object recordId messageId correlationId } }
    pageInfo { hasNextPage endCursor } } }`,
    variables: ({ types, ...rest }) => ({ ...rest, types: types?.map((t) => t.toUpperCase()) }),
  }),
]
