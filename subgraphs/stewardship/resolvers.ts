import {
  type AccessFilter,
  accessCondition,
  accessListing,
  latestAccesses,
} from '../../mdm/access/sensitiveAccess.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { missingEvidence } from '../../mdm/explain/evidence.ts'
import { undisclosed } from '../../mdm/explain/explain.ts'
import { quality } from '../../mdm/golden/read/quality.ts'
import { readGolden } from '../../mdm/golden/read/read.ts'
import {
  latestPublications,
  type Publication,
  publicationListing,
} from '../../mdm/policy/policies.ts'
import type { ActionRow } from '../../mdm/stewardship/actions.ts'
import {
  type ActionFilter,
  type AuditFilter,
  actionCondition,
  actionListing,
  auditCondition,
  auditListing,
  latestActions,
  latestAuditRows,
} from '../../mdm/stewardship/history.ts'
import type { Proposal } from '../../mdm/stewardship/input.ts'
import type { Outcome } from '../../mdm/stewardship/outcome.ts'
import type { Preview } from '../../mdm/stewardship/preview.ts'
import {
  act,
  approve,
  decide,
  preview,
  previewProposal,
  type Stewardship,
} from '../../mdm/stewardship/steward.ts'
import { diffVersions } from '../../mdm/stewardship/versions.ts'
import { followTasks } from '../../mdm/tasks/followTasks.ts'
import {
  commentListing,
  commentsOfTask,
  countTasks,
  mostImportantTasks,
  mostValuableTasks,
  oldestComments,
  queueAge,
  readEvidenceTasks,
  type TaskFilter,
  type TaskRow,
  taskCondition,
  taskListing,
} from '../../mdm/tasks/queue.ts'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import { escalationPriority, priorityOf, validationReason } from '../../mdm/tasks/tasks.ts'
import { type TaskOutcome, type TaskWork, workOnTasks } from '../../mdm/tasks/taskWork.ts'
import { missingScopeOfType, visibleChanges } from '../../schema/hiddenFields.ts'
import { asyncStream } from '../../schema/kit/asyncStream.ts'
import { allStorable } from '../../schema/storable.ts'
import { isUuid } from '../../schema/uuid.ts'
import { shownValues } from '../golden/mask.ts'
import { recordsOf, visibleIssues } from '../golden/sourceRecord.ts'
import { callerOf } from '../shared/caller.ts'
import {
  type Connection,
  listConnection,
  type PageArguments,
  pageRequest,
  relatedConnection,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import type { Resolvers } from '../shared/subgraph.ts'
import { type ActionCommand, bulk, commandOf, type Inputs, onlyOne } from './input.ts'
import { lookups } from './lookups.ts'
import { createCheckProposal, createPublishPolicy } from './publishing.ts'
import { findUnauthorizedId, recordsWithin } from './rowGuard.ts'
import { shownInput, visibleDifferences, visibleQuality } from './visible.ts'
import { shownReason } from './visibleReason.ts'
import {
  createSimulatePolicy,
  type Policies,
  type PolicySelection,
  type refused,
} from './whatIf.ts'

type Reasoned = { reason: string; idempotencyKey: string }
type TaskArgs = PageArguments & { filter?: TaskFilterArgs | null }
type TaskFilterArgs = Omit<TaskFilter, 'assignee'> & {
  assignee?: string | null
  unassigned?: boolean | null
}

export function resolvers(steward: Stewardship, policies?: Policies): Resolvers {
  const { sql, policy } = steward
  const rules = steward.rules ?? DEFAULT_RULES
  const tryPolicy = createSimulatePolicy(sql, policies, rules, () => steward.policy)
  const publishPolicy = createPublishPolicy(steward, policies)
  const checkProposal = createCheckProposal(steward, policies)

  const { actionOf, taskOf, named } = lookups(policy)
  /** Returns whether the weight of a task would reveal values that the caller may not see. */
  const hidesWeight = (t: TaskRow, scopes: ReadonlySet<string>) => {
    const type = policy.types.find((of) => of.name === t.type)
    return t.weight !== null && type !== undefined && !!missingEvidence(policy, type, scopes)
  }

  /**
   * Returns the scope that the caller lacks to see all values that a VALIDATION task may be about.
   */
  const hiddenOfValidation = (t: TaskRow, scopes: ReadonlySet<string>) => {
    const type = t.kind === 'VALIDATION' ? policy.types.find((of) => of.name === t.type) : undefined
    return type ? missingScopeOfType(policy, type, scopes) : null
  }
  /** Returns the reason of a VALIDATION task by the issues of which the caller may learn. */
  const visibleValidation = async (t: TaskRow, context: RequestContext) => {
    const scope = hiddenOfValidation(t, context.scopes)
    if (scope === null) return t.reason
    const type = policy.type(t.type)
    const [record] = await recordsOf(t.subject, context)
    const issues = visibleIssues(policy, type, record?.issues ?? null, context.scopes)
    return validationReason(issues) || `not shown without the scope ${scope}`
  }
  const hidesChanges = (t: TaskRow, scopes: ReadonlySet<string>) =>
    hidesWeight(t, scopes) || hiddenOfValidation(t, scopes) !== null

  /** Converts an outcome to the unions of the schema. */
  const result = async (outcome: Outcome, context: RequestContext) => {
    switch (outcome.code) {
      case 'DONE':
        return { __typename: 'ActionDone', action: await actionOf(outcome.actionId, context) }
      case 'NEEDS_APPROVAL':
        return {
          __typename: 'ApprovalNeeded',
          action: await actionOf(outcome.actionId, context),
          rules: outcome.rules,
        }
      case 'CONFLICT':
        return { __typename: 'ActionConflict', current: outcome.current }
      case 'REFUSED':
        return {
          __typename: 'ActionRefused',
          rule: outcome.rule,
          detail: outcome.detail,
          inTheWay: await actionOf(outcome.inTheWay, context),
        }
    }
  }
  const perform = async (
    what: ActionCommand | null,
    { reason, idempotencyKey }: Reasoned,
    context: RequestContext,
    proposal?: Proposal,
  ) => {
    if (!what) return notOneAction
    const unauthorized = await findUnauthorizedId(what, context)
    if (unauthorized) return unknownId(unauthorized)
    return await result(
      await act(steward, callerOf(context), { ...what, reason, idempotencyKey, proposal }),
      context,
    )
  }
  const previewed = async (seen: Outcome | Preview, context: RequestContext) =>
    seen.code === 'PREVIEW'
      ? {
          __typename: 'ActionPreview',
          ...seen,
          records: await recordsWithin(seen.records, context),
          // Their order is that of priorities, which hold the weights of matches.
          tasks: seen.tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        }
      : await result(seen, context)
  const previewAction = async (what: ActionCommand | null, context: RequestContext) => {
    if (!what) return notOneAction
    const unauthorized = await findUnauthorizedId(what, context)
    if (unauthorized) return unknownId(unauthorized)
    return await previewed(await preview(steward, callerOf(context), what), context)
  }
  const mutation =
    <K extends keyof Inputs>(kind: K) =>
    (_: unknown, args: Reasoned & { input: Inputs[K] }, context: RequestContext) =>
      perform(commandOf(kind, args.input), args, context)
  const decision =
    (
      decided: (
        a: { action: string; reason: string },
        context: RequestContext,
      ) => Promise<Outcome | ReturnType<typeof refused>>,
    ) =>
    async (_: unknown, a: { action: string; reason: string }, context: RequestContext) => {
      if (await findUnauthorizedId(a.action, context)) return unknownId(a.action)
      const outcome = await decided(a, context)
      return 'code' in outcome ? await result(outcome, context) : outcome
    }
  const onTasks = async (ids: string[], work: TaskWork, context: RequestContext) => {
    const unauthorized = await findUnauthorizedId(ids, context)
    if (unauthorized)
      return ids.map((id) => ({
        __typename: 'TaskRefused',
        rule: 'UNKNOWN_TASK',
        detail: `there is no task ${id}`,
      }))
    const outcomes = await workOnTasks(sql, rules, callerOf(context), ids, work)
    return await Promise.all(
      outcomes.map(async (o: TaskOutcome) =>
        o.code === 'DONE'
          ? { __typename: 'TaskDone', task: await taskOf(o.taskId, context) }
          : { __typename: 'TaskRefused', rule: o.rule, detail: o.detail },
      ),
    )
  }

  return {
    Query: {
      tasks: (_: unknown, { filter, ...page }: TaskArgs, context: RequestContext) => {
        // The priority holds the weight of the match.
        const isHidden = policy.types.some((t) => missingEvidence(policy, t, context.scopes))
        const order = isHidden ? mostValuableTasks : mostImportantTasks
        const condition = taskCondition(taskFilter(filter))
        return listConnection(context, taskListing, pageRequest(page, order, condition))
      },
      taskCounts: (_: unknown, { filter }: Pick<TaskArgs, 'filter'>, { sql }: RequestContext) =>
        countTasks(sql, taskFilter(filter)),
      task: (_: unknown, { id }: { id: string }, context: RequestContext) => taskOf(id, context),
      stewardActions: (
        _: unknown,
        { filter, ...page }: PageArguments & { filter?: ActionFilter | null },
        context: RequestContext,
      ) => actionsConnection(filter ?? {}, page, context),
      stewardAction: (_: unknown, { id }: { id: string }, context: RequestContext) =>
        actionOf(id, context),
      auditLog: (
        _: unknown,
        { filter, ...page }: PageArguments & { filter?: AuditFilter | null },
        context: RequestContext,
      ) =>
        listConnection(
          context,
          auditListing,
          pageRequest(page, latestAuditRows, auditCondition(filter ?? {})),
        ),
      previewAction: (
        _: unknown,
        { action }: { action: Partial<Inputs> },
        context: RequestContext,
      ) => previewAction(onlyOne(action), context),
      previewBulkAction: (
        _: unknown,
        { items }: { items: Partial<Inputs>[] },
        context: RequestContext,
      ) => previewAction(bulk(items), context),
      async previewProposal(
        _: unknown,
        { proposal }: { proposal: string },
        context: RequestContext,
      ) {
        if (await findUnauthorizedId(proposal, context)) return unknownId(proposal)
        return await previewed(await previewProposal(steward, callerOf(context), proposal), context)
      },
      dataQuality: async (
        _: unknown,
        { type }: { type: string },
        { sql, scopes }: RequestContext,
      ) => {
        const found = policy.types.find((t) => t.name === type)
        return found ? visibleQuality(await quality(sql, found), policy, found, scopes) : null
      },
      queueAges: (_: unknown, _args: unknown, { sql }: RequestContext) => queueAge(sql),
      publications: (_: unknown, page: PageArguments, context: RequestContext) =>
        listConnection(context, publicationListing, pageRequest(page, latestPublications)),
      publicationProposals: (_: unknown, page: PageArguments, context: RequestContext) =>
        actionsConnection({ kinds: ['PUBLISH'], states: ['PROPOSED'] }, page, context),
      async sensitiveAccess(
        _: unknown,
        { filter, ...page }: PageArguments & { filter?: AccessFilter | null },
        context: RequestContext,
      ) {
        const given = { ...filter, about: filter?.about && idOrNobody(filter.about) }
        const request = pageRequest(page, latestAccesses, await accessCondition(context.sql, given))
        return listConnection(context, accessListing, request)
      },
      async goldenDiff(
        _: unknown,
        { id, from, to }: { id: string; from: number; to: number },
        context: RequestContext,
      ) {
        const diff = isUuid(id) ? await diffVersions(context.sql, id, from, to) : null
        return diff && visibleDifferences(policy, policy.type(diff.type), diff.fields, context, id)
      },
    },
    Mutation: {
      mergeRecords: mutation('merge'),
      unmergeRecord: mutation('unmerge'),
      splitRecord: mutation('split'),
      notAMatch: mutation('notAMatch'),
      overrideField: mutation('override'),
      liftOverride: mutation('lift'),
      attachRecord: mutation('attach'),
      setParent: mutation('setParent'),
      retireRecord: mutation('retire'),
      restoreRecord: mutation('restore'),
      undoAction: (_: unknown, args: Reasoned & { action: string }, context: RequestContext) =>
        perform(commandOf('undo', args.action), args, context),
      bulkAction: (
        _: unknown,
        args: Reasoned & { items: Partial<Inputs>[] },
        context: RequestContext,
      ) => perform(bulk(args.items), args, context),
      proposeAction: (
        _: unknown,
        {
          action,
          agent = null,
          ...args
        }: Reasoned & { action: Partial<Inputs>; agent?: string | null },
        context: RequestContext,
      ) =>
        perform(
          onlyOne(action),
          args,
          context,
          agent === null ? { rule: 'REQUESTED' } : { rule: 'AGENT', agent },
        ),
      approveAction: decision(
        async (a, context) =>
          (await checkProposal(callerOf(context), a.action)) ??
          (await approve(steward, callerOf(context), a.action, a.reason)),
      ),
      declineAction: decision((a, context) =>
        decide(steward, callerOf(context), a.action, 'DECLINED', a.reason),
      ),
      withdrawAction: decision((a, context) =>
        decide(steward, callerOf(context), a.action, 'WITHDRAWN', a.reason),
      ),
      simulatePolicy: (
        _: unknown,
        { sample, ...selection }: PolicySelection & { sample?: number | null },
        context: RequestContext,
      ) => (context.bound ? needsAllRows : tryPolicy(callerOf(context), selection, sample)),
      publishPolicy: async (
        _: unknown,
        request: Parameters<typeof publishPolicy>[1],
        context: RequestContext,
      ) => {
        if (context.bound) return needsAllRows
        const outcome = await publishPolicy(callerOf(context), request)
        return 'code' in outcome ? await result(outcome, context) : outcome
      },
      claimTasks: (_: unknown, { ids }: { ids: string[] }, c: RequestContext) =>
        onTasks(ids, { kind: 'CLAIM' }, c),
      assignTasks: (_: unknown, { ids, to }: { ids: string[]; to: string }, c: RequestContext) =>
        onTasks(ids, { kind: 'ASSIGN', to }, c),
      releaseTasks: (_: unknown, { ids }: { ids: string[] }, c: RequestContext) =>
        onTasks(ids, { kind: 'RELEASE' }, c),
      deferTasks: (
        _: unknown,
        { ids, until }: { ids: string[]; until?: string | null },
        c: RequestContext,
      ) => onTasks(ids, { kind: 'DEFER', until: until ?? null }, c),
      setTasksDue: (_: unknown, { ids, at }: { ids: string[]; at: string }, c: RequestContext) =>
        onTasks(ids, { kind: 'SET_DUE', at }, c),
      commentTask: async (
        _: unknown,
        { id, body }: { id: string; body: string },
        c: RequestContext,
      ) => (await onTasks([id], { kind: 'COMMENT', body }, c))[0],
    },
    Subscription: {
      taskChanged: {
        subscribe: (
          _: unknown,
          { kinds, types }: { kinds?: string[] | null; types?: string[] | null },
          context: RequestContext,
        ) =>
          changedTasks(
            context.sql,
            (t) => (!kinds || kinds.includes(t.kind)) && (!types || types.includes(t.type)),
            (t) => hidesChanges(t, context.scopes),
            async (t) =>
              visibleState(t, t.kind === 'VALIDATION' ? await visibleValidation(t, context) : null),
          ),
        resolve: (task: TaskRow) => task,
      },
    },
    ActionResult: { __resolveType: typeName },
    PreviewResult: { __resolveType: typeName },
    SimulationResult: { __resolveType: typeName },
    SimulatedExample: {
      record: (e: { goldenId: string }, _: unknown, context: RequestContext) =>
        named(e.goldenId, context),
    },
    TaskResult: { __resolveType: typeName },
    CurrentRecord: {
      record: (r: { id: string }, _: unknown, context: RequestContext) => named(r.id, context),
    },
    PreviewRecord: {
      before: (r: PreviewNode, _: unknown, c: RequestContext) =>
        shownValues(policy, policy.type(r.type), r.before, c, 'STEWARDSHIP', r.goldenId),
      after: (r: PreviewNode, _: unknown, c: RequestContext) =>
        shownValues(policy, policy.type(r.type), r.after, c, 'STEWARDSHIP', r.goldenId),
      changedFields: (r: PreviewNode, _: unknown, { scopes }: RequestContext) =>
        visibleChanges(policy, r.type, r.changed, scopes),
      sources: (r: { members: string[] }) => r.members,
    },
    Publication: {
      // They count the records of all.
      done: (p: Publication, _: unknown, { seal }: RequestContext) => (seal ? 0 : p.done),
      total: (p: Publication, _: unknown, { seal }: RequestContext) => (seal ? null : p.total),
      events: (p: Publication, _: unknown, { seal }: RequestContext) => (seal ? 0 : p.events),
      action: (p: { actionId: string | null }, _: unknown, context: RequestContext) =>
        actionOf(p.actionId, context),
    },
    SensitiveAccess: { about: (a: { ids: string[] }) => a.ids },
    PreviewTask: { about: (t: { subject: string[] }) => t.subject },
    StewardAction: {
      about: (a: ActionRow) => a.subjects,
      input: (a: ActionRow, _: unknown, context: RequestContext) =>
        shownInput(policy, a.input, context, a.subjects),
      undoes: (a: ActionRow, _: unknown, context: RequestContext) => actionOf(a.undoes, context),
    },
    Task: {
      about: (t: TaskRow) => t.subject,
      open: (t: TaskRow) => t.state === 'OPEN',
      reason(t: TaskRow, _: unknown, context: RequestContext) {
        if (t.kind === 'VALIDATION') return visibleValidation(t, context)
        if (t.kind !== 'CONFLICT') return t.reason
        const type = policy.type(t.type)
        const scope = missingEvidence(policy, type, context.scopes)
        return scope === null
          ? shownReason(type, t.reason, context, 'STEWARDSHIP', t.subject)
          : undisclosed(scope)
      },
      weight: (t: TaskRow, _: unknown, { scopes }: RequestContext) =>
        hidesWeight(t, scopes) ? null : t.weight,
      updatedAt: (t: TaskRow, _: unknown, { scopes }: RequestContext) =>
        hidesChanges(t, scopes) ? (t.closedAt ?? t.createdAt) : t.updatedAt,
      priority: (t: TaskRow, _: unknown, { scopes }: RequestContext) =>
        hidesWeight(t, scopes)
          ? priorityOf(t.stake, null) + (t.escalated ? escalationPriority : 0)
          : t.priority,
      records: async (t: TaskRow, _: unknown, context: RequestContext) => {
        const ids =
          t.kind === 'APPROVAL'
            ? ((await actionOf(t.subject[0] ?? '', context))?.subjects ?? [])
            : t.subject
        const found = (await Promise.all(ids.map((id) => named(id, context)))).filter(
          (n) => n !== null,
        )
        return [...new Map(found.map((n) => [n.id, n])).values()]
      },
      async mergePreview(t: TaskRow, _: unknown, context: RequestContext) {
        if (t.kind !== 'POSSIBLE_MATCH' && t.kind !== 'CONFLICT') return null
        const names = policy.types.map((of) => of.name)
        const found = await readGolden(context.sql, names, t.subject)
        const records = [...new Map([...found.values()].map((g) => [g.id, g])).values()]
        return previewAction(commandOf('merge', { records }), context)
      },
      action: (t: TaskRow, _: unknown, context: RequestContext) =>
        t.kind === 'APPROVAL' ? actionOf(t.subject[0] ?? null, context) : null,
      comments: (t: TaskRow, args: PageArguments, context: RequestContext) =>
        relatedConnection(
          context,
          `comments ${JSON.stringify(args)}`,
          { listing: commentListing, relation: commentsOfTask, parent: t.id },
          pageRequest(args, oldestComments),
        ),
    },
    AuditEntry: {
      id: (a: { id: number }, _: unknown, { seal }: RequestContext) =>
        seal?.disguise('audit', a.id) ?? a.id,
      action: (a: { actionId: string | null }, _: unknown, context: RequestContext) =>
        actionOf(a.actionId, context),
      body: ({ body }: { body: Record<string, unknown> }, _: unknown, context: RequestContext) =>
        shownInput(policy, body, context, effectIds(body.effect)),
    },
  }
}

/** Tasks whose state is remembered for one subscription to which a part of them is hidden. */
const knownTasksMax = 10_000

/**
 * Stops listening as soon as there is no reader, even if no task changes. A change of hidden parts
 * alone is not delivered: it shows that a guess came true, or that a hidden value changed.
 */
async function changedTasks(
  sql: Sql,
  wanted: (task: TaskRow) => boolean,
  hidesChanges: (task: TaskRow) => boolean,
  stateOf: (task: TaskRow) => Promise<string>,
): Promise<AsyncIterableIterator<TaskRow>> {
  const stop = new AbortController()
  const tasks = followTasks(sql, stop.signal)
  const before = await readEvidenceTasks(sql, knownTasksMax)
  const known = new Map(
    await Promise.all(
      before
        .filter((t) => wanted(t) && hidesChanges(t))
        .map(async (t): Promise<[string, string]> => [t.id, await stateOf(t)]),
    ),
  )
  const isNews = async (task: TaskRow) => {
    if (!hidesChanges(task)) return true
    const state = await stateOf(task)
    if (known.get(task.id) === state) return false
    known.delete(task.id)
    known.set(task.id, state)
    const [oldest] = known.keys()
    if (known.size > knownTasksMax && oldest !== undefined) known.delete(oldest)
    return true
  }
  const next = async () => {
    for (;;) {
      const found = await tasks.next()
      if (found.done || (wanted(found.value) && (await isNews(found.value)))) return found
    }
  }
  return asyncStream(next, async () => stop.abort())
}

/** The parts of a task that depend neither on the weight of a match nor on hidden issues. */
function visibleState(
  { weight, priority, reason, updatedAt, ...rest }: TaskRow,
  visibleReason: string | null,
): string {
  return JSON.stringify({ ...rest, visibleReason })
}

interface PreviewNode {
  goldenId: string
  type: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  changed: string[]
}

function unknownId(id: string) {
  return {
    __typename: 'ActionRefused',
    rule: 'UNKNOWN_ID',
    detail: `there is no golden record ${id}`,
    inTheWay: null,
  }
}

const needsAllRows = {
  __typename: 'ActionRefused',
  rule: 'ROW_RIGHTS',
  detail:
    'a policy applies to every record: callers with row rights may neither simulate nor publish one',
  inTheWay: null,
}

const notOneAction = {
  __typename: 'ActionRefused',
  rule: 'NOT_ONE_ACTION',
  detail:
    'give exactly one action in each StewardActionInput; a bulk action cannot contain an undo',
  inTheWay: null,
}

function effectIds(effect: unknown): string[] {
  return Array.isArray(effect) ? effect.map((e: { goldenId: string }) => e.goldenId) : []
}

function typeName(of: { __typename: string }): string {
  return of.__typename
}

function actionsConnection(
  filter: ActionFilter,
  page: PageArguments,
  context: RequestContext,
): Connection {
  const given = { ...filter, about: filter.about && idOrNobody(filter.about) }
  return listConnection(
    context,
    actionListing,
    pageRequest(page, latestActions, actionCondition(given)),
  )
}

/** Replaces a malformed id by one that belongs to nothing. */
function idOrNobody(id: string): string {
  return isUuid(id) ? id : '00000000-0000-0000-0000-000000000000'
}

function taskFilter(given: TaskFilterArgs | null | undefined): TaskFilter {
  const { unassigned, assignee, ...rest } = allStorable(given ?? {})
  const about = rest.about && idOrNobody(rest.about)
  if (unassigned === true) return { ...rest, about, assignee: null }
  return {
    ...rest,
    about,
    ...(assignee ? { assignee } : {}),
    ...(unassigned === false ? { assigned: true } : {}),
  }
}
