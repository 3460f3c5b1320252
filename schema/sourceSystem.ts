import type { ClosedTime } from './closedTime.ts'
import type { OperationalType } from './operational.ts'
import type { Role } from './policy.ts'

/** A configured source system: one instance of a kind. Read from config/sources.yaml. */
export interface SourceSystem {
  name: string
  kind: string
  role: Role
  /** 0 to 1; decides where no system of record applies. */
  trust: number
  /** Days after which trust in a value has halved; without it trust does not decay. */
  trustHalfLifeDays?: number | undefined
  /**
   * Operational types of which this system's changes are events of the feed; undefined: all but
   * usage.
   */
  events?: ReadonlySet<OperationalType> | undefined
  /** When it is closed: its maintenance and its posting calendar. */
  calendar?: readonly ClosedTime[] | undefined
  /**
   * Secrets that verify deliveries, from the environment variables that the configuration names; at
   * most two.
   */
  secrets: string[]
  /**
   * The address of its deliveries as the system has it, for signatures that cover it; behind a proxy
   * a request does not show it.
   */
  address?: string | undefined
  /** Whether the secret is from the configuration file, which is only accepted on loopback. */
  developmentSecret: boolean
}
