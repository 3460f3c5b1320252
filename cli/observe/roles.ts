import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import type { LimitUse, RequestCounts } from '../../connectors/connection/contract.ts'
import type { AuditHeadSender } from '../../mdm/audit/headSender.ts'
import type { Applied } from '../../mdm/ingest/pipeline.ts'
import type { Publisher } from '../../mdm/jetstream/publisher.ts'
import type { Deliverer } from '../../mdm/webhooks/deliverer.ts'
import type { DeliveryResults } from './countingPoster.ts'

/** A running role `deliver`, as metrics and readiness checks see it. */
export interface DeliverRole {
  /** Results of delivery attempts since the start. */
  results: DeliveryResults
  /**
   * State of publishing to JetStream, and its count since the start. Null if it is not configured.
   */
  publisher: Pick<Publisher, 'state' | 'count'> | null
  deliverer: Pick<Deliverer, 'claimedMsAgo' | 'unstarted'>
  /** Sends heads of the audit log. */
  heads: Pick<AuditHeadSender, 'state'>
  /** Waits for deliveries in progress, at most as long as a stop waits. */
  close(): Promise<void>
}

/** A running role `ingest`, as metrics and readiness checks see it. */
export interface IngestRole {
  /** Counts since the start. */
  total: Applied
  /** Configured workers, and those whose threads run. */
  workers(): { wanted: number; running: number }
  /** Lets each worker finish its batch. */
  close(): Promise<void>
}

/** A running role `pull`, as metrics see it. */
export interface PullRole {
  sources: readonly {
    name: string
    counts(): RequestCounts
    limits(): LimitUse[]
    /** By how many ms our clock is ahead of the system's. */
    clockAheadMs(): number
  }[]
  /** The source systems that this process writes to. */
  writes: readonly {
    name: string
    counts(): RequestCounts
    /** Limits of `write:`; null while the system is not written to by the active policy. */
    bounds(): { perMinute: number; perDay: number } | null
  }[]
  /** Stops after the pages under way. */
  close(): Promise<void>
}

/** The metrics of one gateway process, in the form in which prom-client aggregates them. */
export type WorkerMetrics = MetricObjectWithValues<MetricValue<string>>[]
