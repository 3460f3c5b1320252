import { Backoff } from '../../schema/kit/backoff.ts'
import { WakeableSleep } from '../../schema/kit/wakeableSleep.ts'
import { changeChannel } from '../feed/append.ts'
import { markLoadedDue } from './loaded.ts'
import { type PlannerContext, planDue } from './planDue.ts'
import { registerTargets, scanTargets } from './registerTargets.ts'

export interface PlannerOptions {
  /** Returns what plans depend on now: it changes with the policy. */
  context(): PlannerContext
  /** Called after plans were stored, so that a writer can begin. */
  onPlanned?(): void
  /** Called with a failure, before the pause until the next attempt. */
  onError(error: unknown, retryMs: number): void
}

const pollMs = 1_000
const retryMsMin = 200
const retryMsMax = 10_000

/** Plans writes as long as golden records are due. Several processes take turns. */
export class WritePlanner {
  readonly #options: PlannerOptions
  readonly #pause = new WakeableSleep()
  readonly #backoff = new Backoff(retryMsMin, retryMsMax)
  #isStopped = false
  #isRegistered = false
  #loop: Promise<void> | null = null
  #listening: { unlisten(): Promise<void> } | null = null

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** Call when the policy or a mapping has changed: its targets are stored again. */
  refresh(): void {
    this.#isRegistered = false
    this.#pause.wake()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#pause.wake()
    await this.#loop
    await this.#listening?.unlisten()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped)
      try {
        this.#pause.clear()
        const context = this.#options.context()
        this.#listening ??= await context.sql.listen(changeChannel, this.#pause.wake)
        if (!this.#isRegistered) {
          this.#isRegistered = true
          await registerTargets(context.sql, context.targets)
        }
        const planned = (await planDue(context)) ?? 0
        if (planned > 0) this.#options.onPlanned?.()
        // Changes go before the pages of a new configuration.
        const isScanning = planned === 0 && (await scanTargets(context.sql, context.targets))
        if (planned === 0) await markLoadedDue(context.sql, context.targets.values())
        this.#backoff.reset()
        if (planned === 0 && !isScanning) await this.#pause.sleep(pollMs)
      } catch (e) {
        this.#isRegistered = false
        const retryMs = Math.round(this.#backoff.next())
        this.#options.onError(e, retryMs)
        await this.#pause.sleep(retryMs)
      }
  }
}
