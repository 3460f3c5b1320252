/** A guard of the history that is not as the migrations create it. */
export interface GuardFault {
  /** The trigger, function, table or role. */
  guard: string
  detail: string
  /** True: an administrator may have made it for a purpose of his own. It fails no check. */
  isNote: boolean
}

export function fault(guard: string, detail: string): GuardFault {
  return { guard, detail, isNote: false }
}
