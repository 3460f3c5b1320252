/** States in which a newer plan replaces an intent: nothing was sent. */
export const WAITING_STATES = ['SHADOW', 'PLANNED', 'WAITING', 'WAITING_APPROVAL', 'HELD'] as const
/** States in which the target may have applied it or not. */
export const OPEN_STATES = ['SENT', 'UNKNOWN'] as const
const ENDED_STATES = ['DONE', 'CONFLICT', 'REFUSED'] as const
/** The states of an intent to write. Beside the tables, whose package a command need not load. */
export const WRITE_STATES = [...WAITING_STATES, ...OPEN_STATES, ...ENDED_STATES] as const
