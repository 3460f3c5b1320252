import type { Role } from './policy.ts'

/** A configured source system: one instance of a kind. Read from config/sources.yaml. */
export interface SourceSystem {
  name: string
  kind: string
  role: Role
  /** 0 to 1; decides where no system of record does. */
  trust: number
  /** Days after which trust in a value has halved; none: it does not decay. */
  trustHalfLifeDays?: number | undefined
  /** Verifies deliveries; from the environment variable that the configuration names. Up to two are valid at a time. */
  secrets: string[]
  /** The secret stands in the configuration file: good for trying out, to be refused unless the server is on loopback. */
  developmentSecret: boolean
}
