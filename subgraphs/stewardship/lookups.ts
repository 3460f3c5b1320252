import { type Named, readNamed } from '../../mdm/golden/read/read.ts'
import type { ActionRow } from '../../mdm/stewardship/actions.ts'
import { readActionsById } from '../../mdm/stewardship/history.ts'
import { readTasksById, type TaskRow } from '../../mdm/tasks/queue.ts'
import type { Policy } from '../../schema/policy.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { RequestContext } from '../shared/context.ts'

/** Creates the lookups by id of this subgraph, batched over all parents. */
export function lookups(policy: Policy) {
  return {
    actionOf: (id: string | null, context: RequestContext) =>
      id === null || !isUuid(id)
        ? null
        : context.load<ActionRow | null>('stewardAction', id.toLowerCase(), null, (ids, sql) =>
            readActionsById(sql, ids),
          ),
    taskOf: (id: string, context: RequestContext) =>
      isUuid(id)
        ? context.load<TaskRow | null>('task', id.toLowerCase(), null, (ids, sql) =>
            readTasksById(sql, ids),
          )
        : null,
    /**
     * Returns the active golden record that an id leads to, as a reference for the subgraph that
     * owns it.
     */
    named: async (id: string, context: RequestContext) => {
      const found = await context.load<Named | null>('named', id, null, (ids, sql) =>
        readNamed(sql, ids),
      )
      return found && !found.ended && policy.types.some((t) => t.name === found.type)
        ? { __typename: found.type, id: found.id }
        : null
    },
  }
}
